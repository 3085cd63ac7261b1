"""Sentences that both forms of the report have in common."""

HEADINGS = {
    'demo': 'Every row of the paper, run on the demo data',
    'paper': 'Every row of the paper, run on GTA5 and Cityscapes',
}
READING = (
    'mIoU and IoU are in percent, on the target’s validation images; own '
    'numbers are those of the best validation of a run, as in the paper, and '
    'of one seed. “not run” means that nobody has run the row on that data.'
)
COST_NOTE = (
    'What the networks cost at 512x1024, batch 1. MACs are '
    'multiply-accumulates, which the paper prints as FLOPs; own latency is '
    'the median with its quartiles, of as many times after as many of '
    'warm-up as the table says and with the device synchronised, the paper’s '
    'was taken without either.'
)
