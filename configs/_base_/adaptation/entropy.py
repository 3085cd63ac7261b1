# Direct entropy minimisation of ADVENT (Vu et al., CVPR 2019).
entropy = dict(type='mmseg_da.EntropyTerm', loss_weight=1e-3)
