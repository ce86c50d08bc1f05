#!/usr/bin/env python3
"""Peer of bench/train_step_bench.cpp: one training step in Python with the same LibTorch.

Times forward, loss, backward and AdamW of one model on random pixels, so that nothing but the step is measured.
The models are written as torchvision writes them (Sequential, BatchNorm2d, ReLU6), since the wheel's environment has
no torchvision.
usage: train_step.py MODEL [--batch 32] [--size 224] [--threads 2] [--steps 10] [--precision fp32|bf16]
                     [--layout channels_last|contiguous]
"""
import argparse
import time
import warnings

warnings.filterwarnings('ignore')  # the wheel's environment has no NumPy, which the import mentions
import torch
from torch import nn


def conv_norm_act(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        layers = [conv_norm_act(inputs, hidden, 1)] if expansion != 1 else []
        layers += [conv_norm_act(hidden, hidden, 3, stride, hidden),
                   nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes):
        super().__init__()
        layers, inputs = [conv_norm_act(3, 32, 3, 2)], 32
        for expansion, outputs, repeats, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for i in range(repeats):
                layers.append(InvertedResidual(inputs, outputs, stride if i == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.Sequential(*layers, conv_norm_act(320, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def custom_cnn(classes):
    layers, inputs = [], 1
    for outputs in (32, 64, 128, 256):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
                   nn.MaxPool2d(2)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16384, 256), nn.ReLU(inplace=True), nn.Dropout(0.5),
                         nn.Linear(256, classes))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


def resnet_50(classes):
    layers, inputs = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], 64
    for width, repeats, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(repeats):
            layers.append(Bottleneck(inputs, width, stride if i == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, classes))


# Model, side of its pictures, their channels.
MODELS = {'mobilenet_v2': (MobileNetV2, 224, 3), 'resnet_50': (resnet_50, 224, 3), 'custom_cnn': (custom_cnn, 128, 1)}


def make_step(model, optimiser, precision):
    """A function of pixels and labels: forward, loss, backward, update."""
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.1)

    def step(pixels, labels):
        with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bf16'):
            logits = model(pixels)
        loss = loss_function(logits.float(), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('model', choices=MODELS)
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--size', type=int)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--precision', choices=['fp32', 'bf16'], default='fp32')
    parser.add_argument('--layout', choices=['channels_last', 'contiguous'], default='channels_last')
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    make, side, channels = MODELS[options.model]
    size = options.size or side
    layout = torch.channels_last if options.layout == 'channels_last' else torch.contiguous_format
    model = make(5).to(memory_format=layout).train()
    pixels = torch.randn(options.batch, channels, size, size).contiguous(memory_format=layout)
    labels = torch.randint(0, 5, (options.batch,))
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.02, fused=True)
    step = make_step(model, optimiser, options.precision)
    for _ in range(2):
        step(pixels, labels)
    times = []
    for _ in range(options.steps):
        start = time.perf_counter()
        step(pixels, labels)
        times.append(time.perf_counter() - start)
    median = sorted(times)[len(times) // 2]
    print(f'python {torch.__version__} {options.model} batch {options.batch} {size} px {options.precision} '
          f'{options.layout} {options.threads} threads: median {median * 1e3:.1f} ms, best {min(times) * 1e3:.1f} ms, '
          f'{options.batch / median:.1f} img/s')


if __name__ == '__main__':
    main()
