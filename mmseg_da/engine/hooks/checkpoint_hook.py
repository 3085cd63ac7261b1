"""Checkpoints from which a run goes on as if never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from mmengine.dist import (
    all_gather_object,
    broadcast,
    broadcast_object_list,
    get_rank,
    is_main_process,
)
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.hooks import EMAHook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmseg_da.registry import HOOKS
from mmseg_da.utils.resumed_schedule import adopt_config_schedule

from ..file_backend import SAFE_BACKEND, SafeLocalBackend, is_file_in
from ..random_state import random_state, set_random_state


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """MMEngine's checkpoint hook, with what a bitwise resume needs.

    - A file appears whole or not at all, and an old one goes only after what
      replaces it is on the disk: a killed run always leaves a checkpoint.
    - What a resumed checkpoint names as old is deleted only if it is a
      checkpoint of this run's own folder.
    - The random state of every rank is kept and restored, and a validation
      leaves no trace in it.
    - Before each checkpoint and validation, all ranks take the first one's
      buffers, such as BN statistics, which are all that a checkpoint keeps:
      every rank validates what is saved, and goes on from it as if resumed.
    - MMEngine saves before it validates; if the run is killed in between,
      the resumed run makes up for the validation.
    - A run resumed with another schedule, for example a larger
      ``max_iters``, follows the config's and not the checkpoint's.

    Takes the arguments of :class:`mmengine.hooks.CheckpointHook`.

    Example:
        >>> default_hooks = dict(checkpoint=dict(
        ...     type='mmseg_da.CheckpointHook', by_epoch=False,
        ...     interval=625, max_keep_ckpts=2, save_best='mIoU'))
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._random_states: list[dict] = []
        self._resumed: Optional[dict] = None
        self._resumed_state: Optional[dict] = None
        self._state_before_val: Optional[dict] = None

    def before_train(self, runner: Runner) -> None:
        """Finish what the killed run had begun."""
        folder = str(self.out_dir or runner.work_dir)
        if self.backend_args is None and '://' not in folder:
            self.backend_args = dict(backend=SAFE_BACKEND)
        super().before_train(runner)
        self._keep_to_own_folder(runner)
        resumed, self._resumed = self._resumed, None
        self._tidy(resumed or {})
        if runner.iter == 0:
            return
        # Without it a new best score is not kept in the last checkpoint.
        self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')
        self._resume_random_state(runner, (resumed or {}).get('random_states'))
        if self._validation_is_due(runner):
            runner.logger.info(
                'Validating first: the run was stopped after saving this '
                'checkpoint and before validating it.'
            )
            runner.val_loop.run()

    def _keep_to_own_folder(self, runner: Runner) -> None:
        """Take no path outside this run's folder from a checkpoint.

        MMEngine deletes the best checkpoint that the resumed one names, be it
        another run's that this one was copied from, or any file at all.
        """
        info = runner.message_hub.runtime_info
        own = {
            key: self._own_file(value, 'best_' if key != 'last_ckpt' else '')
            for key, value in info.items()
            if key == 'last_ckpt' or key.startswith('best_ckpt')
        }
        # One answer for all ranks, though some may not see the folder.
        answer = [own]
        broadcast_object_list(answer)
        info.update(answer[0])
        if hasattr(self, 'best_ckpt_path'):
            self.best_ckpt_path = info.get('best_ckpt')
        for key in getattr(self, 'best_ckpt_path_dict', {}):
            self.best_ckpt_path_dict[key] = info.get(f'best_ckpt_{key}')

    def _own_file(self, path: object, prefix: str = '') -> Optional[str]:
        """The checkpoint of this name in this run's folder, if it is there.

        By name, so that a run whose folder was moved knows its files.
        """
        name = Path(path).name if isinstance(path, str) else ''
        if not (name.startswith(prefix) and self._has_suffix(name)):
            return None
        own = self.file_backend.join_path(self.out_dir, name)
        return own if self.file_backend.isfile(own) else None

    def _has_suffix(self, name: str) -> bool:
        return Path(name).suffix == Path(self.filename_tmpl).suffix

    def _tidy(self, resumed: dict) -> None:
        """Delete partial files, and those which the checkpoint replaced."""
        if not isinstance(self.file_backend, SafeLocalBackend):
            return
        if is_main_process():
            folder = Path(self.out_dir)
            for partial in folder.glob('.*.pth.*.part'):
                partial.unlink()
            self.file_backend.obsolete += [
                path
                for path in resumed.get('obsolete', [])
                # Not those of a work dir that this one was copied from.
                if self._has_suffix(path) and is_file_in(path, folder)
            ]
        self._remove_obsolete()

    def _resume_random_state(
        self, runner: Runner, states: Optional[list[dict]]
    ) -> None:
        if states is None or len(states) != runner.world_size:
            runner.logger.warning(
                'The resumed checkpoint holds no random state for '
                f'{runner.world_size} processes: what is drawn in training '
                '(dropout, for example) will differ from a run that was '
                'never stopped.'
            )
            return
        self._resumed_state = states[get_rank()]
        set_random_state(self._resumed_state)

    def _validation_is_due(self, runner: Runner) -> bool:
        loop = runner.train_loop
        if runner.val_loop is None:
            return False
        loop._decide_current_val_interval()
        done, end = _progress(runner)
        return (
            done >= loop.val_begin
            and (done % loop.val_interval == 0 or done == end)
            and runner.message_hub.runtime_info.get('last_validation') != done
        )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Set the random state, now that the loaders have drawn theirs."""
        if self._resumed_state is not None:
            set_random_state(self._resumed_state)
            self._resumed_state = None

    def before_val(self, runner: Runner) -> None:
        """Keep the random state of training; let all ranks test one model."""
        self._state_before_val = random_state()
        _share_buffers(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Set the random state back and keep the best checkpoint."""
        if self._state_before_val is not None:
            set_random_state(self._state_before_val)
            self._state_before_val = None
        runner.message_hub.update_info('last_validation', _progress(runner)[0])
        super().after_val_epoch(runner, metrics)
        self._remove_obsolete()

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict
    ) -> None:
        # Here rather than in before_save_checkpoint, which the first rank
        # alone gets to see.
        self._random_states = all_gather_object(random_state())
        _share_buffers(runner)
        super()._save_checkpoint_with_step(runner, step, meta)
        self._remove_obsolete()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep what resuming needs, where the optimizer is kept."""
        if 'optimizer' in checkpoint:
            checkpoint['resume'] = dict(
                random_states=self._random_states,
                obsolete=list(getattr(self.file_backend, 'obsolete', [])),
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the state aside until training starts."""
        self._resumed = checkpoint.pop('resume', None)
        if runner._resume and 'optimizer' in checkpoint:
            _adopt_config_schedules(runner, checkpoint)

    def _remove_obsolete(self) -> None:
        if isinstance(getattr(self, 'file_backend', None), SafeLocalBackend):
            self.file_backend.remove_obsolete(self.out_dir)


def _share_buffers(runner: Runner) -> None:
    """Give the first rank's buffers to all, those of an average too."""
    averages = [h.ema_model for h in runner.hooks if isinstance(h, EMAHook)]
    for model in (runner.model, *averages):
        for buffer in model.buffers():
            broadcast(buffer)


def _adopt_config_schedules(runner: Runner, checkpoint: dict) -> None:
    meta, schedulers = checkpoint['meta'], runner.param_schedulers or []
    progress = dict(iteration=meta['iter'], epoch=meta['epoch'])
    if isinstance(runner.optim_wrapper, OptimWrapper):
        adopt_config_schedule(
            'segmentor',
            runner.optim_wrapper,
            schedulers,
            checkpoint,
            **progress,
        )
    elif isinstance(runner.optim_wrapper, OptimWrapperDict):
        saved = checkpoint.setdefault('param_schedulers', {})
        for name, wrapper in runner.optim_wrapper.items():
            state = dict(
                optimizer=checkpoint['optimizer'][name],
                param_schedulers=saved.get(name),
            )
            own = schedulers[name] if schedulers else []
            adopt_config_schedule(name, wrapper, own, state, **progress)
            saved[name] = state['param_schedulers'] or []


def _progress(runner: Runner) -> tuple[int, int]:
    """How far the training loop is, and where it ends."""
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        return runner.epoch, runner.max_epochs
    return runner.iter, runner.max_iters
