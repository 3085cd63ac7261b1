"""Runs tools/train.py in forked processes, and kills them at exact points.

The tests of resuming have to start ``tools/train.py`` dozens of times, as a
user does: in a process of its own, which ends by SIGKILL, by a full file or
by itself. This module makes that fast and repeatable. This is how it works.

**Two processes.** Importing torch and the framework takes seconds. So
:class:`TrainServer` starts one process (this file as ``__main__``) that
imports everything and then waits. For each run it forks a child, and the
child becomes ``python tools/train.py WORDS`` with all modules in memory
(:func:`_child`). The server has trained nothing itself, so each child starts
from the same state as a new process would.

**The protocol.** The test writes one line of JSON to the server's stdin: the
words of the command line, the log file, and how to die. The server forks,
waits for the child and answers one line of JSON: the exit status (0, 1, or
minus the signal), how many calls were counted, and the stack of functions at
the moment of the kill. The child sends calls and stack to the server through
a pipe, because a killed process can return nothing else. Stdout belongs to
the answers, so the server sends all other output to stderr and the children
send theirs to the log file.

**Killing at a counted call.** A kill after so many seconds would hit another
place in every run. Instead ``sys.setprofile`` calls ``count`` at each call of
a Python or C function, and the child kills itself with SIGKILL at call number
``kill_after``. With a fixed seed the same number is the same point in the
program, give or take the few calls that depend on timing. ``kill_in`` counts
only calls made inside the function of this name, for example
``save_checkpoint``, so that a test can aim at a phase that takes a small part
of the run. SIGKILL cannot be caught: no ``finally`` and no ``atexit`` runs,
as with a power cut or the kernel's out-of-memory killer. Forked children of
the run, the data loader's workers, do not count (``os.register_at_fork``).

**Dying within a file.** A call is too coarse for half a file, since one call
writes it all. ``max_file`` sets RLIMIT_FSIZE: the kernel ends the process
when a file grows beyond this length, with its first bytes on the disk.

**Shortcuts.** ``FormatCode`` of yapf lays out a config's text for a second at
each checkpoint, so the server replaces it. ``gc.freeze`` keeps the children's
garbage collector from copying the server's memory pages. Everything else is
the program that users run.

:func:`write_experiment` writes the tiny data and the config of these runs: the
main config, narrow, with all that has a state (EMA, dropout, schedulers, the
best checkpoint, a worker for each loader).
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tiny_data import write_image, write_label

REPO = Path(__file__).parents[1]
SIZE = (64, 32)
CONFIG = """
_base_ = '{repo}/configs/da/bisenet_adv_gta2cs.py'
model = dict(
    backbone=dict(
        context_path=dict(base_channels=8, stem_channels=8, init_cfg=None),
        context_channels=(32, 64),
        spatial_channels=(8, 16, 32),
    ),
    decode_head=dict(in_channels=(32, 32, 64)),
    auxiliary_head=[
        dict(
            type='FCNHead', in_index=i, in_channels=32 * i, channels=32 * i,
            num_convs=0, concat_input=False, dropout_ratio=0.3,
            num_classes=19, align_corners=False,
            loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
        )
        for i in (1, 2)
    ],
)
train_dataloader = dict(
    batch_size=2,
    num_workers=1,
    dataset=dict(
        data_root='{data}/gta5', img_scale=(64, 32), max_samples=None
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(data_root='{data}/cityscapes', img_scale=(64, 32)),
)
test_dataloader = val_dataloader
train_cfg = dict(max_iters=12, val_interval=3)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(vis_backends=vis_backends)
custom_hooks = [dict(type='EMAHook', momentum=0.1)]
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(interval=3, max_keep_ckpts=1),
    adversarial=dict(
        loss_weight=0.1,
        discriminator=dict(base_channels=4),
        target_dataloader=dict(
            dataset=dict(
                data_root='{data}/cityscapes', img_scale=(64, 32)
            )
        ),
    ),
)
"""


def write_experiment(root: Path, more: str = '') -> Path:
    """Write tiny data in both layouts and a config; return its path.

    Args:
        root (Path): Folder to write to.
        more (str): Further lines of the config.
    """
    rng = np.random.default_rng(0)
    for i in range(5):
        name = f'{i:05d}.png'
        write_image(root / 'data/gta5/images' / name, i, SIZE)
        label = rng.integers(0, 34, SIZE[::-1])
        write_label(root / 'data/gta5/labels' / name, label, 'P', SIZE)
    for split, count in (('train', 5), ('val', 2)):
        for i in range(count):
            stem = f'{split}/aachen/aachen_{i:06d}_000019'
            folder = root / 'data/cityscapes'
            image = folder / f'leftImg8bit/{stem}_leftImg8bit.png'
            write_image(image, 10 + i, SIZE)
            if split == 'val':
                label = rng.integers(0, 34, SIZE[::-1])
                path = folder / f'gtFine/{stem}_gtFine_labelIds.png'
                write_label(path, label, size=SIZE)
    config = root / 'tiny.py'
    text = CONFIG.format(repo=REPO, data=root / 'data')
    config.write_text(text + more)
    return config


class TrainServer:
    """A process that has imported the framework and runs train.py in forks.

    Example:
        >>> with TrainServer() as server:
        ...     server.run([config, '--work-dir', work_dir], log)
    """

    def __enter__(self) -> TrainServer:
        self.process = subprocess.Popen(
            [sys.executable, '-W', 'ignore', __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPO,
        )
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()

    def run(
        self,
        words: Sequence[object],
        log: Path,
        kill_after: int | None = None,
        kill_in: str = '',
        max_file: int | None = None,
    ) -> dict:
        """Run ``tools/train.py`` and wait.

        Args:
            words (list): Its arguments.
            log (Path): File for its output.
            kill_after (int, optional): Number of the call at which the
                process kills itself.
            kill_in (str): Count only calls inside the function of this name.
            max_file (int, optional): Length in bytes beyond which writing a
                file ends the process.

        Returns:
            dict: ``status`` (0, 1 or minus the signal), ``calls`` counted, and
            ``stack``, the names of the functions in which it was killed.
        """
        request = dict(
            words=[str(word) for word in words],
            log=str(log),
            kill_after=kill_after,
            kill_in=kill_in,
            max_file=max_file,
        )
        self.process.stdin.write(json.dumps(request) + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def _child(request: dict, report: int) -> None:
    """Become ``python tools/train.py``."""
    log = os.open(request['log'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
    if request['max_file']:
        # The kernel ends the process at this byte, the file half written.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        limit = (request['max_file'], request['max_file'])
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    calls, depth = 0, 0
    own, last, inside = os.getpid(), request['kill_after'], request['kill_in']

    def count(frame, event, arg):
        nonlocal calls, depth
        if frame.f_code.co_name == inside:
            depth += (event == 'call') - (event == 'return')
        calls += event == 'call' and (depth > 0 or not inside)
        if calls == last:
            stack = []
            while frame is not None:
                stack.append(frame.f_code.co_name)
                frame = frame.f_back
            tell(stack)
            os.kill(own, signal.SIGKILL)

    def tell(stack=()):
        text = json.dumps(dict(calls=calls, stack=list(stack)))
        os.write(report, text.encode())

    sys.argv = ['tools/train.py', *request['words']]
    # As Python does for a script.
    sys.path.insert(0, os.path.abspath('tools'))
    status = 0
    os.register_at_fork(after_in_child=lambda: sys.setprofile(None))
    sys.setprofile(count)
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as end:
        if end.code:
            print(end.code, file=sys.stderr)
        status = 1 if end.code else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.setprofile(None)
    tell()
    os._exit(status)


def _serve() -> None:
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # Keep other output out of the answers.
    import gc

    import matplotlib.pyplot  # noqa: F401
    import mmengine.utils.dl_utils  # noqa: F401
    import mmseg.models  # noqa: F401
    import mmseg.visualization  # noqa: F401
    import setuptools  # noqa: F401
    import torch._dynamo
    import torch.utils.data
    import torch.utils.tensorboard  # noqa: F401
    import yapf.yapflib.yapf_api

    import mmseg_da.datasets
    import mmseg_da.engine
    import mmseg_da.evaluation
    import mmseg_da.models
    import mmseg_da.utils  # noqa: F401

    torch.set_num_threads(1)
    yapf.yapflib.yapf_api.FormatCode = lambda text, **_: (text, True)
    gc.freeze()
    for line in sys.stdin:
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(receive)
            _child(json.loads(line), send)
        os.close(send)
        _, status = os.waitpid(pid, 0)
        # A worker that outlives its run keeps the pipe open: never read on.
        os.set_blocking(receive, False)
        try:
            text = os.read(receive, 1 << 16)
        except BlockingIOError:
            text = b''
        os.close(receive)
        answer = json.loads(text) if text else {}
        answer['status'] = os.waitstatus_to_exitcode(status)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == '__main__':
    _serve()
