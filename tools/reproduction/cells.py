"""The numbers of the report as the texts of its tables.

A table is a list of rows of texts, the first one its head; nothing here is
escaped.
"""

Table = list[list[str]]


def percent(value: float | None) -> str:
    """A value in percent, or a dash for none."""
    return '–' if value is None else f'{value:.2f}'


def state(result: dict) -> str:
    """The mIoU of a result, or why there is none."""
    return percent(result['mIoU']) if 'mIoU' in result else result['state']


def duration(seconds: float | None) -> str:
    """Seconds in readable units."""
    if seconds is None:
        return '–'
    if seconds < 90:
        return f'{seconds:.0f} s'
    if seconds < 5400:
        return f'{seconds / 60:.1f} min'
    return f'{seconds / 3600:.1f} h'


def main_table(table: dict, columns: dict[str, str], suite: str) -> Table:
    """mIoU beside the paper's, and how it was come by."""
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
    """IoU of each class, a line for the paper and for each result."""
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
    """Parameters, MACs, latency and FPS beside the paper's."""
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
                    f'{own["precision"]}, {own["iterations"]} times after '
                    f'{own["warmup"]}',
                ]
            )
        )
    head = ['Row', 'Parameters', 'MACs', 'Latency', 'FPS', 'Device']
    return [head, *body] if body else None


def failures(report: dict) -> Table | None:
    """The rows that failed, and what they said."""
    body = [
        [row['name'], row['results'][report['suite']]['error']]
        for table in report['tables']
        for row in table['rows']
        if row['results'][report['suite']]['error']
    ]
    return [['Row', 'Message'], *body] if body else None


def commands(report: dict) -> Table:
    """How to run each row alone, here and on the real data."""
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
    """How many of the rows have run, as a sentence."""
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
    """What the report was made with."""
    return [['', ''], *map(list, report['environment'].items())]
