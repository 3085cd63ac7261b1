"""The tables of the report.

A table is a list of rows, a row a list of texts. The first row is the head.
Nothing here is escaped: the templates do that.
"""

Table = list[list[str]]


def percent(value: float | None) -> str:
    """Format a percentage; None becomes a dash."""
    return '–' if value is None else f'{value:.2f}'


def state(result: dict) -> str:
    """Format the mIoU of a result, or say why it has none."""
    return percent(result['mIoU']) if 'mIoU' in result else result['state']


def duration(seconds: float | None) -> str:
    """Format seconds in readable units."""
    if seconds is None:
        return '–'
    if seconds < 90:
        return f'{seconds:.0f} s'
    if seconds < 5400:
        return f'{seconds / 60:.1f} min'
    return f'{seconds / 3600:.1f} h'


def main_table(table: dict, columns: dict[str, str], suite: str) -> Table:
    """Put mIoUs beside the paper's, with size and length of the training."""
    head = ['Row', 'Paper mIoU', *(f'{c} mIoU' for c in columns.values())]
    body = []
    for row in table['rows']:
        own = row['results'][suite]
        settings = own['settings']
        body.append(
            [
                row['label'],
                percent(row['paper'].get('mIoU')),
                *(state(row['results'][key]) for key in columns),
                f'{settings["iterations"]:,} × {settings["batch_size"]}',
                settings['size'],
                str(settings['seed']),
                duration(own['seconds']),
                row['config'].removeprefix('configs/'),
            ]
        )
    return [
        [
            *head,
            'Iterations × batch',
            'Size',
            'Seed',
            'Time',
            'Config, in configs/',
        ],
        *body,
    ]


def class_table(
    table: dict, columns: dict[str, str], classes: list[str]
) -> Table | None:
    """List the IoU of each class, a line for each source of numbers."""
    body = []
    for row in table['rows']:
        lines = [('paper', row['paper'])]
        lines += [
            (title.lower(), row['results'][key])
            for key, title in columns.items()
        ]
        for source, numbers in lines:
            if numbers.get('IoU'):
                values = (numbers['IoU'].get(name) for name in classes)
                body.append(
                    [
                        f'{row["label"]}, {source}',
                        *map(percent, values),
                        percent(numbers['mIoU']),
                    ]
                )
    return [['Row', *classes, 'mIoU'], *body] if body else None


def cost_table(table: dict) -> Table | None:
    """Put parameters, MACs, latency and FPS beside the paper's."""
    body = []
    for row in table['rows']:
        paper, own = row['paper'], row['benchmark']
        if 'latency_ms' not in paper:
            continue
        body.append(
            [
                f'{row["label"]}, paper',
                f'{paper["params_M"]:.2f} M',
                f'{paper["GFLOPs"]:.2f} G',
                f'{paper["latency_ms"]:.2f} ms',
                f'{paper["FPS"]:.1f}',
                'not named',
            ]
        )
        body.append(
            [f'{row["label"]}, measured']
            + (
                ['not run'] * 5
                if own is None
                else [
                    f'{own["parameters"] / 1e6:.2f} M',
                    f'{own["macs"] / 1e9:.2f} G',
                    f'{own["latency_ms"]:.2f} ms '
                    f'[{own["q1_ms"]:.2f}, {own["q3_ms"]:.2f}]',
                    f'{own["fps"]:.1f}',
                    f'{own["device"]}, {own["threads"]} threads, '
                    f'{own["precision"]}, {own["iterations"]} runs after '
                    f'{own["warmup"]}',
                ]
            )
        )
    head = ['Row', 'Parameters', 'MACs', 'Latency', 'FPS', 'Device']
    return [head, *body] if body else None


def failures(report: dict) -> Table | None:
    """List the rows that failed, with their messages."""
    body = [
        [row['name'], row['results'][report['suite']]['error']]
        for table in report['tables']
        for row in table['rows']
        if row['results'][report['suite']]['error']
    ]
    return [['Row', 'Message'], *body] if body else None


def commands(report: dict) -> Table:
    """List the commands of each row, for this suite and for real data."""
    return [
        ['Row', 'This suite', 'Real data'],
        *(
            [
                f'{table["title"].split(":")[0]}, {row["label"]}',
                row['command'],
                f'python tools/train.py {row["config"]}',
            ]
            for table in report['tables']
            for row in table['rows']
        ),
    ]


def counts(report: dict) -> str:
    """Say how many rows have run."""
    states = [
        row['results'][report['suite']]['state']
        for table in report['tables']
        for row in table['rows']
    ]
    names = 'done', 'failed', 'of another version', 'not finished', 'not run'
    words = ', '.join(
        f'{states.count(name)} {name}' for name in names if name in states
    )
    return f'{len(states)} rows: {words}.'


def versions(report: dict) -> Table:
    """List the versions that the report was made with."""
    return [['', ''], *map(list, report['environment'].items())]
