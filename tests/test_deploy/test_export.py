"""Exported networks give what the network gives."""

import sys

import pytest
import torch
from torch import nn

from mmseg_da.apis import export, init_model, init_predictor
from mmseg_da.deploy import fast_network, fuse
from mmseg_da.deploy.export import check_parity, export_network
from mmseg_da.deploy.runtimes import load_network, optional_import
from mmseg_da.errors import InputError

SUFFIX = {'onnx': 'onnx', 'openvino': 'xml'}


@pytest.fixture(scope='module')
def network(segmentor):
    return fast_network(fuse(segmentor), pack=False)


@pytest.fixture(scope='module')
def images():
    torch.manual_seed(0)
    return [torch.randn(1, 3, 64, 96) for _ in range(2)]


@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize(
    'format, precision',
    [
        ('onnx', 'fp32'),
        ('onnx', 'fp16'),
        ('onnx', 'int8'),
        ('openvino', 'fp32'),
        ('openvino', 'bf16'),
        ('openvino', 'int8'),
    ],
)
def test_parity(network, images, tmp_path, format, precision, dynamic):
    out = tmp_path / f'network.{SUFFIX[format]}'
    path = export_network(
        network, out, format, precision, (64, 96), dynamic, images
    )
    found = check_parity(network, path, precision, images)
    assert found['agreement'] > 0.8
    if precision == 'fp32':
        assert found['max_difference'] < 1e-4
        assert found['agreement'] > 0.9999
    else:
        assert found['max_difference'] > 0
    other = torch.randn(3, 3, 61, 75)
    if dynamic:
        check_parity(network, path, precision, [other])
    else:
        with pytest.raises(InputError, match='--dynamic'):
            load_network(path)(other)


def test_a_wrong_export_is_noticed(network, images, tmp_path):
    path = export_network(network, tmp_path / 'a.onnx', shape=(64, 96))
    wrong = nn.Sequential(network, nn.Threshold(0.0, 0.0))
    with pytest.raises(InputError, match='do not use it'):
        check_parity(wrong, path, 'fp32', images)
    # The predictor takes it in place of a checkpoint.
    assert load_network(path)(images[0]).shape == (1, 19, 8, 12)


def test_predictor_runs_an_exported_network(trained, network, tmp_path):
    path = export_network(network, tmp_path / 'a.onnx', shape=(64, 128))
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (100, 200, 3), generator=generator)
    image = image.byte().numpy()
    by_torch = init_predictor(*trained, device='cpu')(image)
    found = init_predictor(trained[0], path)(image)
    assert found.shape == (100, 200)
    assert (found == by_torch).mean() > 0.9999


def test_a_bad_export_leaves_the_good_one(trained, tmp_path, monkeypatch):
    model, path = init_model(*trained, device='cpu'), tmp_path / 'a.onnx'
    path.write_bytes(b'good')

    def refuse(network, *_):
        assert network(torch.zeros(1, 3, 64, 96)).shape[1] == 19
        raise InputError('It differs.')

    module = sys.modules['mmseg_da.deploy.export']
    monkeypatch.setattr(module, 'check_parity', refuse)
    with pytest.raises(InputError, match='It differs'):
        export(model, path, shape=(64, 96))
    assert path.read_bytes() == b'good' and len(list(tmp_path.iterdir())) == 1


def test_options_of_another_network_are_refused(trained):
    for options in (dict(precision='bf16'), dict(device='cuda')):
        with pytest.raises(InputError, match='runs on the CPU in the preci'):
            init_predictor(trained[0], 'a.onnx', **options)


def test_wrong_arguments_are_named(network, tmp_path):
    for arguments, message in (
        (
            (tmp_path / 'a.onnx', 'tflite'),
            "format is 'tflite'.*'onnx', 'openvino'",
        ),
        ((tmp_path / 'a.onnx', 'onnx', 'bf16'), "precision of onnx is 'bf16'"),
        ((tmp_path / 'a.xml', 'onnx'), "ends in '.onnx'"),
        ((tmp_path / 'a.onnx', 'onnx', 'fp32', (8, 8)), 'shape is 8 8'),
        ((tmp_path / 'a.onnx', 'onnx', 'int8'), 'calibration'),
    ):
        with pytest.raises(InputError, match=message):
            export_network(network, *arguments)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match='does not exist'):
        load_network(tmp_path / 'a.onnx')
    (tmp_path / 'a.pb').touch()
    with pytest.raises(InputError, match='none of .onnx, .xml'):
        load_network(tmp_path / 'a.pb')


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(InputError, match='pip install onnx$'):
        optional_import('onnx')
