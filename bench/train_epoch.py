#!/usr/bin/env python3
"""Peer of `genu train`: an epoch of MobileNetV2 in Python from HDF5 pixels to updated weights, loading included.

A DataLoader over an HDF5 file (`torch_pipeline.py shard`) augments with torchvision and feeds the training step of
train_step.py: what genu's loop does to the same images (rotation, zoom, shift, flip, contrast, brightness; AdamW; 3 x 224 x 224).
usage: train_epoch.py SHARD.h5 [--batch 32] [--threads 2] [--workers 2] [--steps 60]   in fp32
Needs Debian's python3-torchvision and python3-h5py; it prints its torch, which is older than the one genu is built with:
train_step.py compares the step on the same.
"""
import argparse
import time

import h5py
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from train_step import MobileNetV2, make_step

AUGMENT = transforms.Compose([transforms.RandomAffine(12, translate=(0.06, 0.06), scale=(0.9, 1.1)), transforms.RandomHorizontalFlip(),
                              transforms.ColorJitter(brightness=0.1, contrast=0.2), transforms.ConvertImageDtype(torch.float32)])


class Shard(Dataset):
    def __init__(self, path):
        self.path, self.file = path, None
        with h5py.File(path) as file:
            self.count = len(file['labels'])

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        self.file = self.file or h5py.File(self.path)  # each worker opens its own
        pixels = AUGMENT(torch.from_numpy(self.file['images'][i])[None])
        pixels = (pixels - pixels.mean()) / (pixels.std() + 1e-6)
        return pixels.expand(3, -1, -1), int(self.file['labels'][i])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('shard')
    parser.add_argument('--batch', type=int, default=32)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--steps', type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    loader = DataLoader(Shard(options.shard), options.batch, shuffle=True, num_workers=options.workers, drop_last=True)
    model = MobileNetV2(5).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.02)
    train = make_step(model, optimiser, 'fp32')
    start, images = time.perf_counter(), 0
    for step, (pixels, labels) in enumerate(loader):
        if step == options.steps:
            break
        train(pixels.contiguous(memory_format=torch.channels_last), labels)
        images += len(labels)
    print(f'torch {torch.__version__}, {images} images, from the first file opened to the last step: {images / (time.perf_counter() - start):.1f} img/s')


if __name__ == '__main__':
    main()
