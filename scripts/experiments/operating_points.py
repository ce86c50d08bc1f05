#!/usr/bin/env python3
"""Accuracy and balanced accuracy are served by different grades from the same probabilities. A network trained with
data.sampling square_root has seen grade k with a frequency of sqrt(n_k); times sqrt(n_k) its probabilities are those of knees as
they come (most accurate), over sqrt(n_k) those of equal shares (most accurate a grade). --temperature: of the report, where the checkpoint holds none.

  scripts/experiments/operating_points.py REPORT [--temperature T] [--train 2286 1046 1516 757 173]"""
import argparse
import pathlib

import numpy as np

from match_prevalence import read, scores


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("report", type=pathlib.Path)
    options.add_argument("--train", type=float, nargs=5, default=[2286, 1046, 1516, 757, 173])
    options.add_argument("--temperature", type=float, default=1)
    options = options.parse_args()
    probabilities, rows = read(options.report)
    probabilities **= 1 / options.temperature
    true = np.array([int(row["kl"]) for row in rows])
    seen = np.sqrt(options.train)
    print("| grades | accuracy | balanced accuracy | quadratic kappa | recall, KL 0 to 4 |")
    print("|---|---|---|---|---|")
    for name, factor in (("as the network gives them", 1), ("knees as they come", seen), ("equal shares", 1 / seen)):
        predicted = (probabilities * factor).argmax(1)
        reached = scores(true, predicted)
        recall = [(predicted[true == grade] == grade).mean() for grade in range(5)]
        print(f"| {name} | {reached['accuracy']:.3f} | {np.mean(recall):.3f} | {reached['quadratic_kappa']:.3f} | "
              + " ".join(f"{r:.2f}" for r in recall) + " |")


if __name__ == "__main__":
    main()
