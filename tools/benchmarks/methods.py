"""Times an iteration of each method beside a source-only iteration."""

import tempfile
from collections.abc import Iterator

from mmengine.registry import init_default_scope

from benchmarks.core import Case, Comparison, Settings, close, group
from benchmarks.training_loops import Plugin, plugin_config

SIZES = {'cpu': (128, 256), 'cuda': (512, 512)}
BATCH_SIZES = {'cpu': 4, 'cuda': 8}
QUICK_SIZE = (64, 64)
EMA = {'type': 'mmseg_da.EMATeacher'}
MIX = {'type': 'mmseg_da.ClassMixTerm'}
MASKED = {'type': 'mmseg_da.MaskedConsistencyTerm'}
# Terms and teachers by name, and the largest ratio that meets a goal.
METHODS: dict[str, tuple[dict, dict | None, float | None]] = {
    'entropy': ({'entropy': {'type': 'mmseg_da.EntropyTerm'}}, None, None),
    'target as context': (
        {'mix': {**MIX, 'pseudo_labels': 'none'}},
        None,
        2.2,
    ),
    'class mixing, pseudo-labels': ({'mix': MIX}, EMA, 2.5),
    'masked consistency': ({'masked': MASKED}, EMA, 2.5),
}
BFLOAT16 = {'optim_wrapper.type': 'mmseg_da.BFloat16OptimWrapper'}
LAYOUT = {'default_hooks.channels_last': {'type': 'mmseg_da.ChannelsLastHook'}}
WAYS = {
    'channels-last': LAYOUT,
    'bfloat16': BFLOAT16,
    'bfloat16, channels-last': {**BFLOAT16, **LAYOUT},
}


class Run(Plugin):
    """A run that keeps the source's loss of its first iteration."""

    first_loss: float | None = None

    def step(self) -> None:
        super().step()
        if self.first_loss is None:
            loss = self.runner.message_hub.get_scalar('train/decode.loss_ce')
            self.first_loss = float(loss.current())


def case(
    name: str,
    settings: Settings,
    work_dir: str,
    terms: dict | None = None,
    teacher: dict | None = None,
    options: dict | None = None,
    **kwargs,
) -> Case:
    """A case that trains with terms, or with other ``--cfg-options``."""
    kind = settings.device.type
    size = QUICK_SIZE if settings.quick else SIZES[kind]
    cfg = plugin_config((size, size), BATCH_SIZES[kind], work_dir)
    hook = cfg.default_hooks.pop('adversarial')
    if terms:
        cfg.default_hooks.adaptation = {
            'type': 'mmseg_da.AdaptationHook',
            'target_dataloader': hook['target_dataloader'],
            'terms': terms,
            'teacher': teacher,
        }
    cfg.merge_from_dict(options or {})
    run = Run(cfg)
    return Case(name, run.step, result=lambda: run.first_loss, **kwargs)


def adversaries() -> dict[str, dict]:
    """The adversarial term with each discriminator."""
    hook = dict(
        plugin_config(((64, 64),) * 2, 2, '').default_hooks.adversarial
    )
    hook.pop('target_dataloader')
    hook['type'] = 'mmseg_da.AdversarialTerm'
    light = {**hook['discriminator'], 'separable': True}
    return {
        'adversary': {'adversary': hook},
        'adversary, light discriminator': {
            'adversary': {**hook, 'discriminator': light}
        },
    }


@group('methods')
def methods(settings: Settings) -> Iterator[Comparison]:
    """Compare methods, then layouts and precisions, with source-only."""
    init_default_scope('mmseg')
    kind = settings.device.type
    height, width = QUICK_SIZE if settings.quick else SIZES[kind]
    where = f'{BATCH_SIZES[kind]} images of {height} x {width} a domain'
    with tempfile.TemporaryDirectory() as folder:
        yield Comparison(
            f'Iteration of each method, {where}',
            case('source only', settings, folder),
            [
                case(name, settings, folder, terms)
                for name, terms in adversaries().items()
            ]
            + [
                case(name, settings, folder, terms, teacher, goal=goal)
                for name, (terms, teacher, goal) in METHODS.items()
            ],
            # Of the source, before any method has changed the weights.
            same=close(0),
        )
    with tempfile.TemporaryDirectory() as folder:
        yield Comparison(
            f'Source-only iteration in other layouts and precisions, {where}',
            case('float32', settings, folder),
            [
                case(name, settings, folder, options=options)
                for name, options in WAYS.items()
            ],
            same=close(0.02, relative=True),
        )
