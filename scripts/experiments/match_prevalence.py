#!/usr/bin/env python3
"""Grades of networks trained on synthetic knees alone, before and after their cut points are set by unlabelled films.

  scripts/experiments/match_prevalence.py RUNS --csv FILE

RUNS holds only_SET_seedN_train and only_SET_seedN_val, each with predictions.csv of `genu evaluate`: the real train part, whose
labels are not read, and the real val part. Seeds shift how many knees a network takes for each grade far more than how it
orders them. So the expected grade is cut where the unlabelled training films fall into grades as knees of such a study do:
39.4, 18.1, 26.3, 13.1, 3.0 % (8,260 knees of the Osteoarthritis Initiative), with half of grade 1's share given to its
neighbours, because what a grader calls 1 is hardly ever 1. Intervals: bootstrap over subjects, 1,000 replicates. Rows that the
CSV has of runs that RUNS lacks are kept."""
import argparse
import csv
import pathlib
import re
import statistics

import numpy as np

from collect import mean_and_sd, with_kept_rows, write_rows

PREVALENCE = np.array([0.394 + 0.045, 0.181 - 0.09, 0.263 + 0.045, 0.131, 0.030])


def read(folder):
    with open(folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    probabilities = np.array([[float(row[f"p{grade}"]) for grade in range(5)] for row in rows])
    return probabilities, rows


def scores(true, predicted):
    counts = np.zeros((5, 5))
    np.add.at(counts, (true, predicted), 1)
    weights = (np.arange(5)[:, None] - np.arange(5)) ** 2
    by_chance = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    return {"accuracy": np.trace(counts) / counts.sum(), "quadratic_kappa": 1 - (weights * counts).sum() / (weights * by_chance).sum(),
            "mean_absolute_error": np.abs(true - predicted).mean()}


def intervals(true, predicted, subjects, replicates=1000):
    rng = np.random.default_rng(0)
    _, group = np.unique(subjects, return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(group.max() + 1)]
    drawn = []
    for _ in range(replicates):
        chosen = np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))])
        drawn.append(list(scores(true[chosen], predicted[chosen]).values()))
    return np.percentile(np.array(drawn), [2.5, 97.5], axis=0).T


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("runs", type=pathlib.Path)
    options.add_argument("--csv", type=pathlib.Path, required=True)
    options = options.parse_args()
    out = []
    for val in sorted(options.runs.glob("only_*_val")):
        found = re.fullmatch(r"only_(.+)_seed(\d+)_val", val.name)
        train = val.with_name(val.name[: -len("val")] + "train")
        if not found or not (val / "predictions.csv").exists() or not (train / "predictions.csv").exists():
            continue
        unlabelled, _ = read(train)
        probabilities, rows = read(val)
        true = np.array([int(row["kl"]) for row in rows])
        subjects = np.array([row["subject"] for row in rows])
        cuts = np.quantile(unlabelled @ np.arange(5), np.cumsum(PREVALENCE)[:-1])
        matched = np.searchsorted(cuts, probabilities @ np.arange(5))
        for how, predicted in (("most probable", probabilities.argmax(1)), ("matched", matched)):
            row = {"set": found[1], "seed": found[2], "grades": how, "graded": len(true)}
            for (name, value), (low, high) in zip(scores(true, predicted).items(), intervals(true, predicted, subjects)):
                row.update({name: round(value, 4), name + "_low": round(low, 4), name + "_high": round(high, 4)})
            for grade in range(5):
                row[f"recall_{grade}"] = round((predicted[true == grade] == grade).mean(), 4)
            out.append(row)
    if not out:
        raise SystemExit(f"{options.runs}: no predictions of a train and a val part; run scripts/experiments/synthetic_only.sh")
    out = with_kept_rows(options.csv, out, ["set", "seed", "grades"])
    write_rows(options.csv, out)

    print("| trained on | grades | seeds | accuracy | quadratic kappa | MAE | recall, KL 0 to 4 |")
    print("|---|---|---|---|---|---|---|")
    for name, how in dict.fromkeys((row["set"], row["grades"]) for row in out):
        rows = [row for row in out if (row["set"], row["grades"]) == (name, how)]

        def cell(key):
            return mean_and_sd([row[key] for row in rows])

        recall = " ".join(f"{statistics.mean(row[f'recall_{grade}'] for row in rows):.2f}" for grade in range(5))
        print("|", " | ".join([name.replace("_", " "), how, str(len(rows)), cell("accuracy"), cell("quadratic_kappa"),
                               cell("mean_absolute_error"), recall]), "|")


if __name__ == "__main__":
    main()
