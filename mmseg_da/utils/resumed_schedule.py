import logging
import warnings
from collections.abc import Sequence

from mmengine.logging import print_log
from mmengine.optim import BaseOptimWrapper
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler

from mmseg_da.errors import InputError

# Entries of a scheduler's state that are not settings.
PROGRESS = ('last_step', '_global_step', '_last_value', 'verbose')
HYPERPARAMETERS = ('lr', 'momentum', 'betas', 'weight_decay')


def adopt_config_schedule(
    name: str,
    optim_wrapper: BaseOptimWrapper,
    schedulers: Sequence[_ParamScheduler],
    state: dict,
    iteration: int,
    epoch: int = 0,
) -> None:
    """Make a checkpoint's state follow the config's schedule.

    A saved scheduler brings its settings along, so that a run resumed with a
    larger ``max_iters`` or another ``optimizer.lr`` would keep the old curve,
    at whose end the learning rate is 0. Where the settings differ, the
    config's schedule is replayed up to the checkpoint's iteration: the run
    goes on at the rate that a run of this config would have there. Equal
    settings change nothing. ``ReduceOnPlateau`` depends on past scores and
    cannot be replayed: its saved state is kept.

    Args:
        name (str): Whose optimizer it is, for the warning: 'segmentor'.
        optim_wrapper, schedulers: The config's, without the saved state.
        state (dict): ``optimizer`` and ``param_schedulers`` as saved;
            changed in place, to be loaded afterwards.
        iteration, epoch (int): What the checkpoint has seen.

    Raises:
        InputError: If the checkpoint is of another kind of optimizer.
    """
    if any(hasattr(scheduler, 'need_val_args') for scheduler in schedulers):
        return
    groups = optim_wrapper.param_groups
    saved = list(state['optimizer']['param_groups'])
    if state['optimizer'].get('base_param_settings'):
        saved.append(state['optimizer']['base_param_settings'])
    kinds = [[_hyperparameters(g) for g in gs] for gs in (groups, saved)]
    if kinds[0] != kinds[1]:
        raise InputError(
            f"The checkpoint's optimizer of the {name} has other parameter "
            "groups than the config's: resume with the optimizer that it was "
            'saved with, or start a new run from its weights, with load_from '
            'and without --resume.'
        )
    changed = _changed_settings(schedulers, state.get('param_schedulers'))
    replayed = bool(changed)
    if replayed:
        _replay(schedulers, iteration, epoch)
        state['param_schedulers'] = [s.state_dict() for s in schedulers]
    scheduled = {scheduler.param_name for scheduler in schedulers}
    before = saved[0]['lr']
    for group, old in zip(groups, saved):
        for key in kinds[0][0]:
            if key in scheduled:
                if replayed:
                    old[f'initial_{key}'] = group[f'initial_{key}']
                    old[key] = group[key]
            # Schedulers of momentum set Adam's betas too.
            elif key == 'betas' and 'momentum' in scheduled:
                if replayed:
                    old[key] = group[key]
            elif group[key] != old[key]:
                old[key] = group[key]
                changed.append(key)
    if changed:
        print_log(
            f"The {name} goes on at iteration {iteration} with the config's "
            "schedule, which differs from the checkpoint's in "
            f'{", ".join(dict.fromkeys(changed))}: its learning rate is now '
            f'{saved[0]["lr"]:.4g}, and was {before:.4g}.',
            'current',
            logging.WARNING,
        )


def _hyperparameters(group: dict) -> list[str]:
    return [key for key in HYPERPARAMETERS if key in group]


def _changed_settings(
    schedulers: Sequence[_ParamScheduler], saved: Sequence[dict] | None
) -> list[str]:
    saved = saved or []
    if len(saved) != len(schedulers):
        return ['param_scheduler']
    return [
        # The values from which the schedule starts.
        'lr' if key == 'base_values' else key
        for scheduler, old in zip(schedulers, saved)
        for key, value in scheduler.state_dict().items()
        if key not in PROGRESS and old.get(key) != value
    ]


def _replay(
    schedulers: Sequence[_ParamScheduler], iteration: int, epoch: int
) -> None:
    """Step schedulers of iterations and of epochs as training would have."""
    steps = [epoch if s.by_epoch else iteration for s in schedulers]
    order = sorted(
        (step / total, index)
        for index, total in enumerate(steps)
        for step in range(1, total + 1)
    )
    with warnings.catch_warnings():
        # Of stepping a scheduler before its optimizer.
        warnings.simplefilter('ignore')
        for _, index in order:
            schedulers[index].step()
