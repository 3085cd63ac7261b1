"""Times the re-estimation of BatchNorm against predicting the images."""

import copy
from collections.abc import Iterator

import torch
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample
from torch.optim.swa_utils import update_bn

from benchmarks import networks as nets
from benchmarks.core import Case, Comparison, Settings, close, group
from mmseg_da.apis import adapt_bn
from mmseg_da.deploy import FastSegmentor, Predictor

COUNT, BATCH = 8, 4


@group('batch norm')
def batch_norm(settings: Settings) -> Iterator[Comparison]:
    """Compare at the sizes of training on a laptop and of the paper."""
    init_default_scope('mmseg')
    for shape in [(64, 128)] if settings.quick else [(128, 256), (512, 1024)]:
        yield comparison(settings, shape)


def comparison(settings: Settings, shape: tuple[int, int]) -> Comparison:
    _, ours = nets.networks(settings)
    ours.cfg = nets.config_for(shape)
    predictor = Predictor(FastSegmentor(ours).to(settings.device))
    images = [nets.street(shape, index) for index in range(COUNT)]
    tensors = [torch.from_numpy(x).permute(2, 0, 1).clone() for x in images]
    sample = SegDataSample(metainfo={'img_shape': shape})
    batches = [
        {'inputs': tensors[i : i + BATCH], 'data_samples': [sample] * BATCH}
        for i in range(0, COUNT, BATCH)
    ]
    plain, own = copy.deepcopy(ours), copy.deepcopy(ours)
    same_statistics = close(1e-5, relative=True)

    def statistics(model) -> list:
        return [b for n, b in model.named_buffers() if 'running_' in n]

    def by_torch() -> list:
        update_bn(
            (plain.data_preprocessor(b, True)['inputs'] for b in batches),
            plain,
        )
        return statistics(plain)

    def by_adapt_bn() -> list:
        adapt_bn(own, batches)
        return statistics(own)

    return Comparison(
        f'Re-estimating BatchNorm on {COUNT} images of {shape[0]} x '
        f'{shape[1]}, in batches of {BATCH}',
        Case('Predictor on the same images', lambda: predictor(images)),
        [
            Case("torch's update_bn", by_torch, lambda *_: 'for comparison'),
            Case(
                'mmseg_da.apis.adapt_bn',
                by_adapt_bn,
                # Of the case above.
                lambda _, found: same_statistics(statistics(plain), found),
                goal=1.3,
            ),
        ],
        same=close(0),
        images=COUNT,
    )
