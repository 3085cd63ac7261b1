"""Check every file that a config trains, adapts and evaluates on.

    python tools/check_dataset.py configs/da/bisenet_adv_gta2cs.py

Exit status: 0 clean or with warnings alone (labels that are empty, have one
class, or fit two encodings; fewer images than max_samples), 1 with errors, 130
interrupted.

Damage inside a file is found in every PNG, which has checksums, and in a JPEG
where the decoder complains. A JPEG has no checksum: other damage shows as
wrong pixels only, which no program can tell from a picture.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from dataset_check.check import as_json, check_config_data
from dataset_check.sample_check import ERRORS, WARNINGS
from launch.cli import (
    add_cfg_options,
    add_workers,
    command_parser,
    one_sentence_errors,
)
from mmseg_da.utils import load_config
from mmseg_da.utils.files import atomic_path


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    add_workers(parser, 'that read files; 0: none but this one')
    parser.add_argument('--out', help='JSON to write, with every finding')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def table(result: dict) -> str:
    """Format the findings: kind, split, number and an example of each."""
    counts = ', '.join(f'{n} {s}' for s, n in result['samples'].items())
    lines = [f'Images: {counts}']
    findings = result['findings']
    for kind in (*ERRORS, *WARNINGS):
        for split in result['samples']:
            found = [f for f in findings if (f.kind, f.split) == (kind, split)]
            if found:
                level = 'error' if kind in ERRORS else 'warning'
                lines.append(
                    f'{level:8}{kind:25}{split:7}{len(found):7}  '
                    f'{found[0].message}'
                )
    if not findings:
        lines.append('Nothing found: every file can be used.')
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    try:
        result = check_config_data(cfg, args.workers)
    except KeyboardInterrupt:
        print('\nInterrupted: nothing was written.', file=sys.stderr)
        return 130
    print(table(result))
    if args.out:
        content = dict(config=str(cfg.filename), **as_json(result))
        with atomic_path(args.out) as partial:
            partial.write_text(json.dumps(content, indent=1) + '\n')
        print(f'Wrote {args.out}')
    return int(any(finding.is_error for finding in result['findings']))


if __name__ == '__main__':
    with one_sentence_errors():
        sys.exit(main())
