"""Train or test a config once, in its own process, and keep the metrics."""

import hashlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmseg_da.errors import InputError
from mmseg_da.utils.config import REPO_ROOT, load_config
from mmseg_da.utils.config_tree import iter_dicts, path_keys
from mmseg_da.utils.files import atomic_path

# A line of MMEngine's log, or of its progress bar.
PROGRESS = re.compile(
    r'(?:Iter\((\w+)\) *\[ *|\] )(\d+)/(\d+)[],].*?(?i:eta): *(\S+)'
    r'(?:.*? loss: (\S+))?'
)


# Processes of tools, which a program that is stopped has to end.
RUNNING: set[subprocess.Popen] = set()


def end_on_sigterm() -> None:
    """Turn SIGTERM into SystemExit, so that running trainings end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def train_command(
    config: str, work_dir: Path, options: Mapping[str, object]
) -> list[str]:
    """The command that trains a config, as a user would type it.

    Args:
        config (str): Config file, relative to the project or absolute.
        work_dir (Path): Work dir of the run.
        options (dict): ``--cfg-options``, keys with dots.

    Returns:
        list[str]: The words after ``python``.
    """
    words = ['tools/train.py', config, '--work-dir', str(work_dir)]
    return words + option_words(options)


def option_words(options: Mapping[str, object]) -> list[str]:
    """Write the overrides of a config as words of a command."""
    words = [f'{key}={value}' for key, value in options.items()]
    return ['--cfg-options', *words] if words else []


def fingerprint(config: str, options: Mapping[str, object]) -> str:
    """Hash of a config: a changed config needs a new run.

    Args:
        config (str): Config file.
        options (dict): ``--cfg-options``, keys with dots.

    Returns:
        str: Hash of the whole config and of its class statistics files.
    """
    content = load_config(config, dict(options)).to_dict()
    # The project's location does not change the results of a run.
    digest = hashlib.sha256(repr(content).replace(str(REPO_ROOT), '').encode())
    paths = {
        Path(node[name])
        for key, node in iter_dicts(content)
        for name in path_keys(key, node)
    }
    for path in sorted(filter(Path.is_file, paths)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def train(
    config: str,
    work_dir: Path,
    options: Mapping[str, object],
    title: str,
    origins: Sequence[Path] = (),
) -> dict[str, float]:
    """Train a config, or resume its run, and return the metrics.

    Args:
        config (str): Config file.
        work_dir (Path): Work dir. A finished run in it is not repeated.
        options (dict): ``--cfg-options``, keys with dots.
        title (str): Name to show beside the progress.
        origins (Sequence[Path]): Work dirs of the runs that it starts from
            or learns from.

    Returns:
        dict[str, float]: The last validation's metrics, in percent.

    Raises:
        InputError: If the work dir holds a run of another config or of other
            origins, or the run fails.
    """
    record = work_dir / 'experiment.json'
    known = read_json(record)
    run: dict = dict(
        fingerprint=fingerprint(config, options),
        origins=[
            read_json(folder / 'experiment.json').get(key)
            for folder in origins
            for key in ('fingerprint', 'origins')
        ],
    )
    if any(known.get(key, value) != value for key, value in run.items()):
        raise InputError(
            f'{work_dir} holds a run of another version of {config}, or one '
            'from another start: delete it, or choose another work dir.'
        )
    if 'metrics' not in known:
        run['command'] = train_command(config, work_dir, options)
        write_json(record, run)
        # Without a checkpoint of its own, --resume would go on from load_from,
        # whose weights a new run starts from.
        begun = (work_dir / 'last_checkpoint').exists()
        resume = begun or 'load_from' not in options
        words = [*run['command'], *(['--resume'] if resume else [])]
        run_tool(words, work_dir / 'output.log', title)
        _, validations = read_scalars(work_dir)
        if not validations:
            raise InputError(f'{work_dir} holds no validation result.')
        known = dict(run, metrics=validations[-1][1])
        write_json(record, known)
    return known['metrics']


def test(
    config: str,
    checkpoint: Path,
    work_dir: Path,
    options: Mapping[str, object],
    title: str,
) -> dict[str, float]:
    """Evaluate a checkpoint once, like ``train``, and return the metrics."""
    record = work_dir / 'experiment.json'
    if not record.exists():
        words = ['tools/test.py', config, str(checkpoint)]
        words += ['--work-dir', str(work_dir), *option_words(options)]
        run_tool(words, work_dir / 'output.log', title)
        results = sorted(work_dir.glob('2*/2*.json'))
        metrics = json.loads(results[-1].read_text())
        write_json(record, dict(metrics=metrics))
    return read_json(record)['metrics']


def write_json(path: Path, content: object) -> None:
    """Write a JSON file as a whole, or not at all."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + '\n')


def read_json(path: Path) -> dict:
    """Read a JSON file; an absent file is an empty dict.

    Raises:
        InputError: If the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f'{path} is damaged ({" ".join(str(error).split())}): delete it, '
            'and the run goes on from its last checkpoint.'
        ) from error


def read_scalars(
    work_dir: Path,
) -> tuple[dict[int, float], list[tuple[int, dict]]]:
    """Read the loss by iteration, and the validations.

    Iterations that a resumed run repeated count as the last run has them.
    """
    losses: dict[int, float] = {}
    validations: dict[int, dict] = {}
    for path in sorted(work_dir.glob('2*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # the run was stopped while it wrote
                continue
            if 'mIoU' in entry:
                validations[entry['step']] = entry
            elif 'loss' in entry:
                losses[entry['step']] = entry['loss']
    return dict(sorted(losses.items())), sorted(validations.items())


def stop_running() -> None:
    """Terminate the tools that other threads run."""
    for process in list(RUNNING):
        process.terminate()


def run_tool(words: Sequence[str], log: Path, title: str) -> None:
    """Run one of the tools and show its progress.

    Args:
        words (Sequence[str]): The tool's path in the project's folder, and
            its arguments.
        log (Path): File to which the whole output is appended.
        title (str): Name to show beside the progress.

    Raises:
        InputError: If it fails.
    """
    tool = str(REPO_ROOT / words[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open('a', buffering=1) as file,
        subprocess.Popen(
            [sys.executable, '-W', 'ignore', tool, *words[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        last = ''
        RUNNING.add(process)
        try:
            for line in process.stdout:
                file.write(line)
                last = line.strip() or last
                _show(title, line)
        except BaseException:
            # Otherwise it would go on beside the run that resumes it.
            process.terminate()
            raise
        finally:
            RUNNING.discard(process)
    if sys.stdout.isatty():
        print()
    if process.returncode:
        raise InputError(
            f'{title} ended with status {process.returncode} ({last}): see '
            f'{log}.'
        )


def _show(title: str, line: str) -> None:
    found = PROGRESS.search(line)
    if found is None:
        return
    phase, step, end, eta, loss = found.groups()
    text = f'{title:14s} {phase or "task":5s} {step:>5s}/{end}'
    text += f'  time left {eta}{f"  loss {loss}" if loss else ""}'
    if sys.stdout.isatty():
        print(f'\r{text:74s}', end='', flush=True)
    elif step == end or int(step) % max(1, int(end) // 10) == 0:
        print(text, flush=True)
