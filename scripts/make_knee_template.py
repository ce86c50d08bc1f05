#!/usr/bin/env python3
"""Writes pipeline/locate/knee_template.inc: what a synthetic knee looks like on average, for the localiser.

    genu generate --set splits.train_per_grade=80 --set splits.test_per_grade=0 --set splits.sample_per_grade=0 \
                  --set seed=77 --out SET
    scripts/make_knee_template.py SET > pipeline/locate/knee_template.inc

Each picture, brought to the orientation of a left knee (right ones mirrored, negatives righted), is averaged to
32 x 32 cells, reduced to its structure (minus a local mean down the columns, over a local SD: locate_knees.cpp does the
same to films), and the mean over all pictures is written as whole numbers, 100 to one unit. No real film goes into it.
"""
import csv
import sys

import numpy as np
from PIL import Image
from scipy import ndimage

SIDE = 32
MEAN_SIGMA = 2.0
SD_SIGMA = 6.0
FLAT_GREY = 0.3
MOST = 1.5


def structure(cells):
    detail = cells - ndimage.gaussian_filter1d(cells, MEAN_SIGMA, axis=0, mode="nearest")
    sd = np.sqrt(ndimage.gaussian_filter(detail * detail, SD_SIGMA, mode="nearest"))
    return np.clip(detail / (sd + FLAT_GREY), -MOST, MOST)


def main(folder):
    total = np.zeros((SIDE, SIDE))
    count = 0
    for row in csv.DictReader(open(folder + "/manifest.csv")):
        image = Image.open(folder + "/" + row["path"]).convert("L")
        if row["side"] == "R":
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        cells = np.asarray(image.resize((SIDE, SIDE), Image.BOX), dtype=float)
        if row["inverted"] == "1":
            cells = 255 - cells
        total += structure(cells)
        count += 1
    print(f"// Mean structure of {count} synthetic left knees, {SIDE} x {SIDE} cells, 100 to one unit; written by")
    print("// scripts/make_knee_template.py.")
    for row in np.rint(100 * total / count).astype(int):
        print(", ".join(str(v) for v in row) + ",")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
