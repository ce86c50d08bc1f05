#!/usr/bin/env python3
"""Accuracy and balanced accuracy are served by different grades from the same probabilities. A network trained with
data.sampling square_root has seen grade k with a frequency of sqrt(n_k); times sqrt(n_k) its probabilities are those of knees as
they come (most accurate), over sqrt(n_k) those of equal shares (most accurate a grade). --temperature: of the report, where the checkpoint holds none.

  scripts/experiments/operating_points.py REPORT/predictions.csv [--temperature T] [--train 2286 1046 1516 757 173]"""
import argparse
import csv

import numpy as np


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("predictions")
    options.add_argument("--train", type=float, nargs=5, default=[2286, 1046, 1516, 757, 173])
    options.add_argument("--temperature", type=float, default=1)
    options = options.parse_args()
    with open(options.predictions, newline="") as file:
        rows = list(csv.DictReader(file))
    probabilities = np.array([[float(row[f"p{grade}"]) for grade in range(5)] for row in rows])
    probabilities **= 1 / options.temperature
    true = np.array([int(row["kl"]) for row in rows])
    seen = np.sqrt(options.train)
    print("| grades | accuracy | balanced accuracy | quadratic kappa | recall, KL 0 to 4 |")
    print("|---|---|---|---|---|")
    for name, factor in (("as the network gives them", 1), ("knees as they come", seen), ("equal shares", 1 / seen)):
        predicted = (probabilities * factor).argmax(1)
        counts = np.zeros((5, 5))
        np.add.at(counts, (true, predicted), 1)
        weights = (np.arange(5)[:, None] - np.arange(5)) ** 2
        kappa = 1 - (weights * counts).sum() / (weights * np.outer(counts.sum(1), counts.sum(0))).sum() * counts.sum()
        recall = counts.diagonal() / counts.sum(1)
        print(f"| {name} | {np.trace(counts) / counts.sum():.3f} | {recall.mean():.3f} | {kappa:.3f} | "
              + " ".join(f"{r:.2f}" for r in recall) + " |")


if __name__ == "__main__":
    main()
