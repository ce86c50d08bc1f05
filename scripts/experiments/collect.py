#!/usr/bin/env python3
"""One CSV row for each report of an experiment, and a table of means over seeds.

  scripts/experiments/collect.py RUNS --csv FILE --pattern '(?P<start>...)_seed(?P<seed>...)'

RUNS holds NAME_report/report.json and predictions.csv of `genu evaluate`; the pattern's groups become columns. Rows that the CSV has of
runs that RUNS lacks are kept. Intervals are of 95 %, by bootstrap over subjects. The table gives the mean over seeds, +- their SD (n - 1)."""
import argparse
import csv
import json
import pathlib
import random
import re
import statistics

SCORES = ["accuracy", "balanced_accuracy", "macro_f1", "quadratic_kappa", "mean_absolute_error"]


def number(text):
    if not text:
        return text  # a row from before there was such a column
    return int(text) if text.isdigit() else float(text)


def recall_intervals(predictions, replicates=1000):
    """(low, high) of each grade's recall."""
    people = {}  # subject: knees of each grade that were told, and all
    for row in csv.DictReader(open(predictions, newline="")):
        told, all_of = people.setdefault(row["subject"], ([0] * 5, [0] * 5))
        told[int(row["kl"])] += row["predicted"] == row["kl"]
        all_of[int(row["kl"])] += 1
    counts = [told + all_of for told, all_of in people.values()]
    rng = random.Random(0)
    drawn = [[] for _ in range(5)]
    for _ in range(replicates):
        sums = [sum(column) for column in zip(*rng.choices(counts, k=len(counts)))]
        for grade in range(5):
            if sums[5 + grade]:
                drawn[grade].append(sums[grade] / sums[5 + grade])
    fortieths = [statistics.quantiles(values, n=40) for values in drawn]
    return [(cuts[0], cuts[-1]) for cuts in fortieths]


def rows_of(runs, pattern):
    for report in sorted(runs.glob("*_report/report.json")):
        found = re.fullmatch(pattern, report.parent.name[: -len("_report")])
        if not found:
            continue
        content = json.loads(report.read_text())
        row = dict(found.groupdict(), graded=content["samples"])
        for score in SCORES:
            row[score] = round(content["scores"][score], 4)
            row[score + "_low"], row[score + "_high"] = (round(x, 4) for x in content["intervals"][score])
        for grade, count in enumerate(content["confusion"]):
            row[f"recall_{grade}"] = round(count[grade] / max(1, sum(count)), 4)
        for grade, (low, high) in enumerate(recall_intervals(report.parent / "predictions.csv")):
            row[f"recall_{grade}_low"], row[f"recall_{grade}_high"] = round(low, 4), round(high, 4)
        yield row


def with_kept_rows(path, rows, keys):
    """The rows, and those of the CSV at `path` whose keys are none of theirs, in the order of the keys."""
    found = {tuple(row[key] for key in keys): row for row in rows}
    if path.exists():
        with open(path, newline="") as before:
            for row in csv.DictReader(before):
                if set(row) <= set(rows[0]):
                    kept = {k: row[k] if k in keys else number(row.get(k, "")) for k in rows[0]}
                    found.setdefault(tuple(row[key] for key in keys), kept)
    return [found[key] for key in sorted(found)]


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def mean_and_sd(values):
    return f"{statistics.mean(values):.3f}" + (f" +- {statistics.stdev(values):.3f}" if len(values) > 1 else "")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("runs", type=pathlib.Path)
    options.add_argument("--csv", type=pathlib.Path, required=True)
    options.add_argument("--pattern", required=True)
    options = options.parse_args()
    rows = list(rows_of(options.runs, options.pattern))
    if not rows:
        raise SystemExit(f"{options.runs}: no report of such a name; let the experiment finish a run first")
    groupings = list(re.compile(options.pattern).groupindex)
    rows = with_kept_rows(options.csv, rows, groupings)
    write_rows(options.csv, rows)

    keys = [name for name in groupings if name != "seed"]
    shown = SCORES + [f"recall_{grade}" for grade in range(5)]
    print("|", " | ".join(keys + ["seeds"] + [name.replace("_", " ") for name in shown]), "|")
    print("|" + "---|" * (len(keys) + 1 + len(shown)))
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    for group, members in groups.items():
        cells = list(group) + [str(len(members))] + [mean_and_sd([member[name] for member in members]) for name in shown]
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
