#!/usr/bin/env python3
"""Draws docs/results/pretraining.csv (kappa against real training knees, a panel a network, a line a start) and says how many real knees a
synthetic start replaces: the number at which the start without synthetic knees reaches the same mean kappa, between
neighbouring shares linear in the logarithm. The dotted line: the pair of synthetic_only.csv. Needs python3-matplotlib.

  scripts/experiments/plot_pretraining.py [--csv FILE] [--alone FILE] [--out FILE.png]"""
import argparse
import csv
import math
import pathlib
import statistics

TRAIN_KNEES = 5778  # of the real train part
NAMES = {"scratch": "random weights", "synthetic": "synthetic knees", "imagenet": "ImageNet",
         "imagenet_synthetic": "ImageNet, then synthetic knees"}
COLOURS = {"scratch": "#999999", "synthetic": "#1b6ca8", "imagenet": "#d98032", "imagenet_synthetic": "#7a3e9d"}
COMPACT = "compact_"  # before the name of a start of the compact network


def shown_name(start):
    if start.startswith(COMPACT):
        return NAMES[start.removeprefix(COMPACT)] + ", compact network"
    return NAMES[start]


def knees_for(kappa, curve):
    """Real knees at which `curve`, [(knees, kappa)] rising in knees, reaches kappa; None outside it."""
    for (n0, k0), (n1, k1) in zip(curve, curve[1:]):
        if k0 <= kappa <= k1 and k1 > k0:
            return math.exp(math.log(n0) + (kappa - k0) / (k1 - k0) * (math.log(n1) - math.log(n0)))
    return None


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("docs/results/pretraining.csv"))
    options.add_argument("--alone", type=pathlib.Path, default=pathlib.Path("docs/results/synthetic_only.csv"))
    options.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/images/pretraining.png"))
    options = options.parse_args()
    runs = {}
    for row in csv.DictReader(open(options.csv)):
        runs.setdefault(row["start"], {}).setdefault(float(row["share"]), []).append(float(row["quadratic_kappa"]))
    curves = {start: [(share * TRAIN_KNEES, statistics.mean(kappas)) for share, kappas in sorted(points.items())]
              for start, points in runs.items()}

    print("| start | real knees | mean kappa | as many real knees without synthetic ones | ratio |")
    print("|---|---|---|---|---|")
    for start, other in (("synthetic", "scratch"), ("imagenet_synthetic", "imagenet"),
                         (COMPACT + "synthetic", COMPACT + "scratch")):
        for knees, kappa in curves.get(start, []):
            same = knees_for(kappa, curves.get(other, []))
            if same:
                shown, ratio = f"{same:.0f}", f"{same / knees:.1f}"
            else:
                top = max((k for _, k in curves.get(other, [])), default=0)
                shown, ratio = ("more than were tried" if kappa > top else "fewer than were tried"), "-"
            print(f"| {shown_name(start)} | {knees:.0f} | {kappa:.3f} | {shown} | {ratio} |")

    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.4), dpi=110, sharex=True, sharey=True)
    ticks = sorted({n for curve in curves.values() for n, _ in curve})
    for axes, prefix, network in zip(panels, ("", COMPACT), ("MobileNetV2", "compact network")):
        for name, colour in COLOURS.items():
            for knees, kappa in [(share * TRAIN_KNEES, k) for share, kappas in runs.get(prefix + name, {}).items()
                                 for k in kappas]:
                axes.plot(knees, kappa, "o", color=colour, markersize=4, alpha=0.6)
            curve = curves.get(prefix + name, [])
            if curve:
                axes.plot(*zip(*curve), color=colour, label=NAMES[name], linewidth=1.8)
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{n:.0f}" for n in ticks])
        axes.minorticks_off()
        axes.set_xlabel("real training knees")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(network, fontsize=11)
    panels[0].set_ylabel("quadratic kappa, real val part")
    if options.alone.exists():
        kappas = [float(row["quadratic_kappa"]) for row in csv.DictReader(open(options.alone))
                  if (row["set"], row["grades"]) == ("pair", "matched")]
        if kappas:
            panels[0].axhline(statistics.mean(kappas), color="#7a3e9d", linestyle=":", label="no graded real knee at all")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, title="started from", loc="upper center", ncol=5, fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 0.88))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
