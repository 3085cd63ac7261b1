"""Times inference: from an image to logits and to a class map."""

import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.apis import inference_model
from torch import Tensor

from analysis.get_flops import count_macs, image_metas
from benchmarks import networks as nets
from benchmarks.core import Case, Comparison, Settings, group
from benchmarks.cuda import ROUNDED, compiled_cases, cuda_cases
from mmseg_da.apis import build_segmentor
from mmseg_da.deploy import FastSegmentor, Predictor, fast_network, fuse

SAME_FUNCTION = nets.same_logits(1e-4, 0.9999)


@group('inference')
def inference(settings: Settings) -> Iterator[Comparison]:
    """Compare logits and class maps at 512x1024, then sizes and batches."""
    shape = (64, 128) if settings.quick else (512, 1024)
    yield to_logits(settings, shape)
    if settings.device.type == 'cuda' and not settings.quick:
        yield to_logits(settings, (1024, 2048))
    with tempfile.TemporaryDirectory() as folder:
        yield to_class_map(settings, shape, folder)
    yield with_crf(settings, shape)
    for height in (64, 128) if settings.quick else (256, 512, 1024):
        yield growth(
            settings, (height, 2 * height), 1, 'megapixels', height**2 / 5e5
        )
    for batch in (1, 2) if settings.quick else (1, 2, 4):
        height = shape[0] // 2
        yield growth(
            settings, (height, 2 * height), batch, 'images in a batch', batch
        )


@group('compiled')
def compiled(settings: Settings) -> Iterator[Comparison]:
    """Compare compiled networks: a group of its own, as compiling is slow."""
    if settings.quick:
        return
    yield to_logits(settings, (512, 1024), compiled=True)
    if settings.device.type == 'cuda':
        yield to_logits(settings, (1024, 2048), compiled=True)


def inferring(function: Callable) -> Callable:
    return torch.inference_mode()(function)


def to_logits(
    settings: Settings, shape: tuple[int, int], compiled: bool = False
) -> Comparison:
    """Compare networks alone: from a normalised image to full-size logits."""
    device = settings.device
    paper, ours = nets.networks(settings)
    image = nets.normalise(nets.street(shape)[None], device)
    last = image.to(memory_format=torch.channels_last)
    metas = image_metas(shape)
    fused = fuse(ours)

    def full_size(network, image=last):
        def run() -> Tensor:
            return F.interpolate(network(image), shape, mode='bilinear')

        return inferring(run)

    macs = count_macs(ours, shape)
    # The paper classifies at full size, after the upsampling.
    macs += 19 * 19 * shape[0] * shape[1] * 63 // 64
    # The goals are those of one image at the paper's size.
    fps_goal = 1500 if shape == (512, 1024) else None
    cases = [Case('fast network', full_size(fast_network(fused)), goal=0.6)]
    if compiled:
        cases += compiled_cases(settings, ours, full_size, fps_goal)
    else:
        cases = [
            Case(
                'MMSegmentation segmentor',
                inferring(lambda: ours.encode_decode(image, metas)),
            ),
            Case(
                "paper's, channels-last input", inferring(lambda: paper(last))
            ),
            Case(
                'fused segmentor',
                inferring(lambda: fused.encode_decode(last, metas)),
                note='BN folded, channels-last',
            ),
            *cases,
        ]
        if device.type == 'cuda':
            cases += cuda_cases(settings, ours, full_size, last, fps_goal)
    return Comparison(
        f'BiSeNet-R18, 1 x 3 x {shape[0]} x {shape[1]}, image to logits'
        + (', compiled' if compiled else ''),
        Case("paper's network, plain torch", inferring(lambda: paper(image))),
        cases,
        same=SAME_FUNCTION
        if device.type == 'cpu'
        else nets.same_logits(1e-2, 0.99),
        macs=macs,
        images=1,
        profile='fast network, fp16'
        if device.type == 'cuda' and not compiled
        else 'fast network',
    )


def with_crf(settings: Settings, shape: tuple[int, int]) -> Comparison:
    """Compare the network with and without the fully connected CRF."""
    _, ours = nets.networks(settings)
    cfg = nets.config_for(shape)
    cfg.model.type = 'mmseg_da.CRFEncoderDecoder'
    refined = build_segmentor(cfg)
    refined.auxiliary_head = None
    refined.load_state_dict(ours.state_dict())
    refined.to(settings.device)
    image = nets.normalise(nets.street(shape)[None], settings.device)
    metas = image_metas(shape)
    return Comparison(
        f'The CRF at test time, {shape[0]} x {shape[1]}',
        Case(
            'EncoderDecoder', inferring(lambda: ours.inference(image, metas))
        ),
        [
            Case(
                'mmseg_da.CRFEncoderDecoder',
                inferring(lambda: refined.inference(image, metas)),
            )
        ],
        same=lambda expected, found: 'refined',
    )


def to_class_map(
    settings: Settings, shape: tuple[int, int], folder: str
) -> Comparison:
    """Compare ways from a decoded image (BGR, uint8) to its class map."""
    device = settings.device
    paper, ours = nets.networks(settings)
    cfg = nets.config_for(shape)
    image = nets.street(shape)
    unpacked = fast_network(fuse(ours), pack=False).cpu()
    stock = nets.mmseg_bisenet(device)
    for segmentor in (ours, stock):
        segmentor.cfg = cfg

    def plain() -> np.ndarray:
        logits = paper(nets.normalise(image[None], device))
        return logits.argmax(1)[0].byte().cpu().numpy()

    def by_inference_model(segmentor) -> np.ndarray:
        found = inference_model(segmentor, image)
        return found.pred_sem_seg.data[0].cpu().numpy()

    def by_predictor(network=None, **kwargs):
        model = FastSegmentor(ours, **kwargs).to(device)
        predictor = Predictor(model, network)
        return lambda: predictor(image)

    def by_runtime(network, format, precision):
        def build():
            run = nets.exported(
                network, folder, format, precision, shape, calibration
            )
            return by_predictor(run)

        return build

    def paper_by_runtime(format):
        def build():
            run = nets.exported(paper, folder, format, 'fp32', shape)
            return lambda: (
                run(nets.normalise(image[None], device))
                .argmax(1)[0]
                .byte()
                .numpy()
            )

        return build

    calibration = [
        nets.normalise(nets.street(shape, index)[None], torch.device('cpu'))
        for index in range(1, 3 if settings.quick else 9)
    ]
    rounded = nets.agreement(0.8 if settings.quick else ROUNDED)
    half = 'bf16' if device.type == 'cpu' else 'fp16'
    cases = [
        Case(
            "MMSegmentation's inference_model",
            lambda: by_inference_model(ours),
        ),
        Case('Predictor', by_predictor(), goal=0.6),
        Case(f'Predictor, {half}', by_predictor(precision=half), rounded),
        Case(
            "MMSegmentation's BiSeNetV1",
            lambda: by_inference_model(stock),
            nets.another_network,
            note='13.3 M parameters',
        ),
    ]
    if device.type == 'cpu':
        names = {'onnx': 'ONNX Runtime', 'openvino': 'OpenVINO'}
        for format, name in names.items():
            cases.append(
                nets.attempt(
                    f"paper's network, {name}", paper_by_runtime(format)
                )
            )
            for precision in ('fp32', 'bf16', 'int8'):
                if (format, precision) == ('onnx', 'bf16'):
                    continue
                cases.append(
                    nets.attempt(
                        f'Predictor, {name} {precision}',
                        by_runtime(unpacked, format, precision),
                        same=None if precision == 'fp32' else rounded,
                        goal=0.3 if precision == 'int8' else None,
                    )
                )
    return Comparison(
        f'BiSeNet-R18, {shape[0]} x {shape[1]}, image to class map',
        Case("paper's network, plain torch", inferring(plain)),
        cases,
        same=nets.agreement(0.9999 if device.type == 'cpu' else 0.99),
        images=1,
    )


def growth(
    settings: Settings,
    shape: tuple[int, int],
    batch: int,
    axis: str,
    at: float,
) -> Comparison:
    """Compare class maps of one size and batch."""
    device = settings.device
    paper, ours = nets.networks(settings)
    ours.cfg = nets.config_for(shape)
    images = np.stack([nets.street(shape)] * batch)

    def plain() -> np.ndarray:
        logits = paper(nets.normalise(images, device))
        return logits.argmax(1).byte().cpu().numpy()

    def by_predictor(precision):
        predictor = Predictor(FastSegmentor(ours, precision).to(device))
        return lambda: np.stack(predictor(images))

    half = 'bf16' if device.type == 'cpu' else 'fp16'
    return Comparison(
        f'Image to class map, {batch} x {shape[0]} x {shape[1]}',
        Case("paper's network, plain torch", inferring(plain)),
        [
            Case('Predictor', by_predictor('fp32')),
            Case(
                f'Predictor, {half}',
                by_predictor(half),
                nets.agreement(ROUNDED),
            ),
        ],
        same=nets.agreement(0.9999 if device.type == 'cpu' else 0.99),
        images=batch,
        family='Inference',
        axis=axis,
        at=at,
    )
