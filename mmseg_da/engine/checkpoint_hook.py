"""Checkpoints from which a run continues as if it had never stopped."""

import random
from pathlib import Path

import numpy as np
import torch
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

from mmseg_da.engine.file_backend import SAFE_BACKEND, SafeLocalBackend
from mmseg_da.registry import HOOKS
from mmseg_da.utils.resumed_schedule import adopt_config_schedule


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """MMEngine's checkpoint hook, with what a bitwise resume needs.

    - A checkpoint is written whole or not at all, and an old one is deleted
      after its successor is on the disk: a killed run leaves a checkpoint.
    - An old file that a resumed checkpoint names is deleted only if it is a
      checkpoint in this run's own folder.
    - The random state of every rank is saved and restored, and a validation
      does not change it.
    - Before each checkpoint and validation, all ranks take over the buffers
      of the first rank, such as BN statistics, because a checkpoint holds no
      others. So every rank validates what is saved, and trains on from it.
    - MMEngine saves before it validates. If the run is killed in between,
      the resumed run validates first.
    - A run resumed with another schedule, for example a larger
      ``max_iters``, follows the config's and not the checkpoint's.

    Takes the arguments of :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._random_states: list[dict] = []
        self._resumed: dict = {}
        self._resumed_state: dict | None = None
        self._state_before_val: dict = {}
        self.file_backend = None

    def before_train(self, runner: Runner) -> None:
        """Finish what the killed run had started."""
        folder = str(self.out_dir or runner.work_dir)
        if self.backend_args is None and '://' not in folder:
            self.backend_args = dict(backend=SAFE_BACKEND)
        super().before_train(runner)
        self._keep_to_own_folder(runner)
        self._tidy()
        if runner.iter == 0:
            return
        # Without last_ckpt, MMEngine does not save a new best score in it.
        self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')
        self._resume_random_state(runner)
        if self._validation_is_due(runner):
            runner.logger.info(
                'Validating first: the run was stopped after saving this '
                'checkpoint and before validating it.'
            )
            runner.val_loop.run()
        done, end = _progress(runner)
        if done >= end:
            runner.logger.warning(
                f'Nothing is left to train: the checkpoint is at {done}, and '
                f'the config ends at {end}. Raise train_cfg.max_iters or '
                'max_epochs to train longer.'
            )

    def _keep_to_own_folder(self, runner: Runner) -> None:
        """Ignore paths in a checkpoint that lie outside this run's folder.

        MMEngine would delete the best checkpoint that the resumed one names,
        which may be another run's, or any file.
        """
        info = runner.message_hub.runtime_info
        own = {
            key: self._own_file(value, 'best_' if key != 'last_ckpt' else '')
            for key, value in info.items()
            if key == 'last_ckpt' or key.startswith('best_ckpt')
        }
        # All ranks use the first one's answer: some may not see the folder.
        answer = [own]
        broadcast_object_list(answer)
        info.update(answer[0])
        if hasattr(self, 'best_ckpt_path'):
            self.best_ckpt_path = info.get('best_ckpt')
        for key in getattr(self, 'best_ckpt_path_dict', {}):
            self.best_ckpt_path_dict[key] = info.get(f'best_ckpt_{key}')

    def _own_file(self, path: object, prefix: str) -> str | None:
        """The checkpoint of this name in this run's folder, if it exists.

        The name alone counts, so that the folder of a run may be moved.
        """
        name = Path(path).name if isinstance(path, str) else ''
        if not (name.startswith(prefix) and self._has_suffix(name)):
            return None
        own = self.file_backend.join_path(self.out_dir, name)
        return own if self.file_backend.isfile(own) else None

    def _has_suffix(self, name: str) -> bool:
        return Path(name).suffix == Path(self.filename_tmpl).suffix

    def _tidy(self) -> None:
        """Delete partial files, and files that the checkpoint replaced."""
        if not isinstance(self.file_backend, SafeLocalBackend):
            return
        if is_main_process():
            for partial in Path(self.out_dir).glob('.*.pth.*.part'):
                partial.unlink()
            # If the work dir is a copy, the original's files stay.
            self.file_backend.obsolete += filter(
                self._has_suffix, self._resumed.pop('obsolete', [])
            )
        self._remove_obsolete()

    def _resume_random_state(self, runner: Runner) -> None:
        states = self._resumed.pop('random_states', [])
        if len(states) != runner.world_size:
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

    def before_train_epoch(self, runner: Runner) -> None:
        """Restore the random state where each epoch draws a seed next."""
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        if by_epoch and not runner.train_dataloader.persistent_workers:
            self.before_train_iter(runner, 0)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Restore the random state, after the loaders have drawn seeds."""
        if self._resumed_state is not None:
            set_random_state(self._resumed_state)
            self._resumed_state = None

    def before_val(self, runner: Runner) -> None:
        """Keep the random state of training, and share the buffers."""
        self._state_before_val = random_state()
        _share_buffers(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Restore the random state and save the best checkpoint."""
        set_random_state(self._state_before_val)
        runner.message_hub.update_info('last_validation', _progress(runner)[0])
        super().after_val_epoch(runner, metrics)
        self._remove_obsolete()

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict
    ) -> None:
        # Not in before_save_checkpoint, which only the first rank calls.
        self._random_states = all_gather_object(random_state())
        _share_buffers(runner)
        super()._save_checkpoint_with_step(runner, step, meta)
        self._remove_obsolete()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save what resuming needs, if the optimizer is saved too."""
        if 'optimizer' in checkpoint:
            checkpoint['resume'] = dict(
                random_states=self._random_states,
                obsolete=list(getattr(self.file_backend, 'obsolete', [])),
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the state aside until training starts."""
        self._resumed = checkpoint.pop('resume', {})
        if runner._resume and 'optimizer' in checkpoint:
            _adopt_config_schedules(runner, checkpoint)

    def _remove_obsolete(self) -> None:
        if isinstance(self.file_backend, SafeLocalBackend):
            self.file_backend.remove_obsolete(self.out_dir)


def _share_buffers(runner: Runner) -> None:
    """Copy the first rank's buffers to all ranks, an EMA model's too."""
    averages = [h.ema_model for h in runner.hooks if isinstance(h, EMAHook)]
    for model in (runner.model, *averages):
        for buffer in model.buffers():
            broadcast(buffer)


def _adopt_config_schedules(runner: Runner, checkpoint: dict) -> None:
    progress = checkpoint['meta']['iter'], checkpoint['meta']['epoch']
    schedulers = runner.param_schedulers or {}
    wrapper = runner.optim_wrapper
    # Which is an OptimWrapper too.
    if isinstance(wrapper, OptimWrapperDict):
        saved = checkpoint.setdefault('param_schedulers', {})
        for name, each in wrapper.items():
            state = dict(
                optimizer=checkpoint['optimizer'][name],
                param_schedulers=saved.get(name, []),
            )
            own = schedulers.get(name, [])
            adopt_config_schedule(name, each, own, state, *progress)
            saved[name] = state['param_schedulers']
    elif isinstance(wrapper, OptimWrapper):
        adopt_config_schedule(
            'segmentor', wrapper, schedulers, checkpoint, *progress
        )


def _progress(runner: Runner) -> tuple[int, int]:
    """Progress and end of the training loop, in its own unit."""
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        return runner.epoch, runner.max_epochs
    return runner.iter, runner.max_iters


def random_state() -> dict:
    """Read the state of python's, numpy's and torch's global generators.

    Returns:
        dict: Tensors, numbers and None, which load as weights only. With
        CUDA, the state of the current device too.
    """
    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state()
    state = dict(
        python=dict(version=version, words=torch.tensor(words), gauss=gauss),
        numpy=dict(
            keys=torch.from_numpy(keys.astype(np.int64)),
            position=position,
            has_gauss=has_gauss,
            gauss=cached,
        ),
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict) -> None:
    """Set the generators to a state that :func:`random_state` returned."""
    python, numpy = state['python'], state['numpy']
    words = tuple(python['words'].tolist())
    random.setstate((python['version'], words, python['gauss']))
    keys = numpy['keys'].cpu().numpy().astype(np.uint32)
    rest = (numpy[key] for key in ('position', 'has_gauss', 'gauss'))
    np.random.set_state(('MT19937', keys, *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())
