"""Sentences of the report, in Markdown and in HTML."""

HEADINGS = {
    'demo': 'Every row of the paper, run on the demo data',
    'paper': 'Every row of the paper, run on GTA5 and Cityscapes',
}
READING = (
    'mIoU and IoU are in percent, on the validation images of the target. '
    'Own numbers come from one seed and from the best validation of a run, as '
    'in the paper. “not run” means that the row has not been run on that data.'
)
COST_NOTE = (
    'The cost of the networks at 512x1024, batch 1. MACs are '
    'multiply-accumulates, which the paper prints as FLOPs. Own latency is '
    'the median with quartiles of N runs after W warm-up runs (N and W are in '
    'the table), with the device synchronised. The paper’s was taken without '
    'warm-up and synchronisation.'
)
