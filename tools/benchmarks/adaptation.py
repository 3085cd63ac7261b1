"""Times adaptation against plain loops of the same network."""

import tempfile
from collections.abc import Callable, Iterator

from mmengine.config import Config

from benchmarks.core import Case, Comparison, Same, Settings, group
from benchmarks.dacs_loop import DACS, PlainDacs, dacs_config
from benchmarks.training import (
    BATCH_SIZES,
    QUICK_SIZES,
    SIZES,
    TOLERANCE,
    adversary_result,
    agree_within,
    first_gradients,
    prepare_training,
    segmentor_gradients,
)
from benchmarks.training_loops import (
    LAMBDA,
    PlainTraining,
    Plugin,
    PluginNetwork,
    RandomImages,
    plugin_config,
)
from mmseg_da.registry import MODELS

LAST = {'custom_hooks': [{'type': 'mmseg_da.ChannelsLastHook'}]}
BFLOAT16 = {'optim_wrapper.type': 'mmseg_da.BFloat16OptimWrapper'}
SEPARABLE = {'default_hooks.adversarial.discriminator.separable': True}
# BatchNorm on pooled maps of two images multiplies what rounding changes: the
# difference is told, not judged.
OTHER_ROUNDING = agree_within(float('inf'))


@group('adaptation')
def adaptation(settings: Settings) -> Iterator[Comparison]:
    """Compare the adversary, self-training, and numbers of terms."""
    prepare_training(settings.device)
    kind = settings.device.type
    sizes = QUICK_SIZES if settings.quick else SIZES[kind]
    batch = BATCH_SIZES[kind]
    for factor in (1,) if settings.quick else (1, 2):
        with tempfile.TemporaryDirectory() as work_dir:
            yield adversary(settings, sizes, factor * batch, work_dir)
    for make in self_training, terms:
        with tempfile.TemporaryDirectory() as work_dir:
            yield make(settings, sizes[1], batch, work_dir)


def make_plugin(cfg: Config, options: dict) -> Plugin:
    cfg.merge_from_dict(options)
    return Plugin(cfg)


def segmentor_result(plugin: Plugin) -> dict:
    """What a first iteration without an adversary has computed."""
    return segmentor_gradients(
        plugin.runner.model, plugin.runner.optim_wrapper.optimizer
    )


def plugin_case(
    name: str,
    plugin: Plugin,
    read: Callable[[Plugin], dict],
    same: Same | None,
    **goals,
) -> Case:
    """An iteration of the plugin, and how to read what it computed."""
    return Case(name, plugin.step, same, result=lambda: read(plugin), **goals)


def plain_network(plugin: Plugin) -> PluginNetwork:
    """A copy of the plugin's segmentor as a plain network."""
    again = MODELS.build(plugin.runner.cfg.model)
    again.load_state_dict(plugin.runner.model.state_dict())
    return PluginNetwork(again)


def without_prefix(name: str) -> str:
    return name.removeprefix('segmentor.')


def another(what: str) -> Callable[..., str]:
    """Accept any result of what computes something else."""
    return lambda expected, found: f'another {what}'


def adversary(
    settings: Settings, sizes: tuple, batch: int, work_dir: str
) -> Comparison:
    """Compare the hook and its options with the textbook's loop."""
    source, target = (
        RandomImages(size, batch, seed) for seed, size in enumerate(sizes)
    )

    def case(name: str, options: dict, same=None, **goals) -> Case:
        cfg = plugin_config(sizes, batch, work_dir)
        plugin = make_plugin(cfg, options)
        return plugin_case(name, plugin, adversary_result, same, **goals)

    plugin = make_plugin(plugin_config(sizes, batch, work_dir), {})
    loop = PlainTraining(
        plain_network(plugin), source, target, settings.device
    )
    loop.discriminator.load_state_dict(
        {
            name.removeprefix('layers.'): value
            for name, value in plugin.hook.discriminator.state_dict().items()
        }
    )
    parts = loop.network, loop.sgd, loop.discriminator, loop.adam
    (h, w), (th, tw) = sizes
    light = another('discriminator')
    goals = {}
    if batch == BATCH_SIZES[settings.device.type]:
        goals = {'goal': 0.85, 'memory_goal': 0.75}
    return Comparison(
        f'Adversarial iteration of one network, {batch} source images of '
        f'{h} x {w} and {batch} of the target of {th} x {tw}',
        Case(
            'textbook loop',
            loop.iterate,
            result=lambda: first_gradients(*parts, without_prefix),
        ),
        [
            case('mmseg_da.AdversarialHook', {}, **goals),
            case('the same, channels-last', LAST, OTHER_ROUNDING),
            case(
                'the same, channels-last, bf16',
                LAST | BFLOAT16,
                OTHER_ROUNDING,
            ),
            case('separable', SEPARABLE, light, goal=goals and 0.6 or None),
            case('separable, channels-last', SEPARABLE | LAST, light),
            case(
                'separable, channels-last, bf16',
                SEPARABLE | LAST | BFLOAT16,
                light,
            ),
        ],
        same=agree_within(TOLERANCE),
        profile='mmseg_da.AdversarialHook',
        family='Adversarial iteration of one network',
        axis='images of each domain in a batch',
        at=batch,
    )


def self_training(
    settings: Settings, size: tuple[int, int], batch: int, work_dir: str
) -> Comparison:
    """Compare class mixing with the loop of DACS."""

    def case(name: str, options: dict, same=None, **goals) -> Case:
        cfg = dacs_config(size, batch, work_dir)
        plugin = make_plugin(cfg, options)
        return plugin_case(name, plugin, segmentor_result, same, **goals)

    plugin = make_plugin(dacs_config(size, batch, work_dir), {})
    loop = PlainDacs(
        plain_network(plugin),
        *(RandomImages(size, batch, seed) for seed in (0, 1)),
        plugin.runner.model.data_preprocessor,
        settings.device,
    )
    return Comparison(
        f'Self-training (DACS), {batch} images of each domain of {size[0]} x '
        f'{size[1]}',
        Case(
            'literal loop',
            loop.iterate,
            result=lambda: segmentor_gradients(
                loop.network, loop.sgd, without_prefix
            ),
        ),
        [
            case('mmseg_da.ClassMixTerm', {}, goal=0.75),
            case('the same, channels-last', LAST, OTHER_ROUNDING),
            case(
                'the same, channels-last, bf16',
                LAST | BFLOAT16,
                OTHER_ROUNDING,
            ),
        ],
        same=agree_within(TOLERANCE),
        profile='mmseg_da.ClassMixTerm',
    )


def terms(
    settings: Settings, size: tuple[int, int], batch: int, work_dir: str
) -> Comparison:
    """Compare source-only training with more and more terms."""
    adversarial = plugin_config((size, size), batch, work_dir)
    adversarial = adversarial.default_hooks.adversarial
    adversarial.update(type='mmseg_da.AdversarialTerm', loss_weight=LAMBDA)
    del adversarial.target_dataloader
    known = {
        'adversarial': adversarial,
        'entropy': {'type': 'mmseg_da.EntropyTerm', 'loss_weight': LAMBDA},
        'class_mix': DACS.class_mix,
        'masked': {'type': 'mmseg_da.MaskedConsistencyTerm'},
        'fourier': {'type': 'mmseg_da.FourierStyleTerm'},
    }

    def case(*names: str, **goals) -> Case:
        cfg = dacs_config(size, batch, work_dir)
        cfg.default_hooks.adaptation.terms = {n: known[n] for n in names}
        if not names:
            del cfg.default_hooks.adaptation
        elif not {'class_mix', 'masked'} & set(names):
            del cfg.default_hooks.adaptation['teacher']
        name = ' + '.join(names) or 'source only'
        return Case(name, Plugin(cfg).step, another('loss'), **goals)

    return Comparison(
        f'An iteration with more terms, {batch} images of each domain of '
        f'{size[0]} x {size[1]}',
        case(),
        [
            case('entropy'),
            case('adversarial'),
            case('adversarial', 'entropy'),
            case('fourier'),
            case('class_mix', goal=2.2),
            case('class_mix', 'masked'),
            case(*known),
        ],
        same=another('loss'),
    )
