#!/usr/bin/env python3
"""Where real and synthetic knees differ, in the measures that the generator's shapes and densities were set by.

usage: scripts/compare_films.py REAL SYNTHETIC [--per-grade N] [--grades 0 1]

Both folders hold one sub-folder a grade with 224 px PNGs; names that end in R are mirrored, so medial is left. Prints, as
medians over the pictures: the joint's upper and lower edge by column (dynamic programming over the steepest falls and
rises), the strongest outer edges by row, texture in four bands over the film's SD, and the difference of the mean
standardised pictures; and in how many pictures a border of the collimated field or a lead letter was found (some nine
borders and eight letters of ten that are there). Use training films only. Needs numpy, scipy and Pillow.
"""
import argparse, glob, os
import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, find_objects, gaussian_filter, label


def read(folder, grades, count):
    rng, out = np.random.default_rng(1), []
    for grade in grades:
        files = sorted(glob.glob(f"{folder}/{grade}/*.png"))
        for i in rng.permutation(len(files))[:count]:
            picture = np.asarray(Image.open(files[i]).convert("L"), np.float32)
            picture = picture[:, ::-1] if os.path.splitext(files[i])[0].endswith("R") else picture
            if picture.shape != (224, 224):
                raise SystemExit(f"{files[i]}: {picture.shape[1]} x {picture.shape[0]} px; 224 x 224 are compared")
            if picture.std() >= 12:
                out.append(picture)
    if not out:
        raise SystemExit(f"{folder}: no pictures in {'/'.join(map(str, grades))}/*.png")
    return out


def cheapest_path(cost, step, bend):
    """Row of least summed cost for each column; neighbours differ by at most `step` rows, `bend` a row."""
    height, sums, back, offsets = cost.shape[0], cost[:, 0].copy(), [], np.arange(-step, step + 1)
    for x in range(1, cost.shape[1]):
        padded = np.pad(sums, step, constant_values=1e9)
        choices = np.stack([padded[step + o:step + o + height] + bend * abs(o) for o in offsets])
        back.append(choices.argmin(0))
        sums = choices.min(0) + cost[:, x]
    path = [int(sums.argmin())]
    for k in back[::-1]:
        path.append(path[-1] + offsets[k[path[-1]]])
    return np.array(path[::-1])


def joint_edges(picture):
    a = gaussian_filter(picture, 1.0)
    a = (a - a.mean()) / a.std()
    local = np.sqrt(gaussian_filter((a - gaussian_filter(a, 12)) ** 2, 12)) + 0.05
    slope = np.gradient(a, axis=0) / local
    lower = cheapest_path(-slope[100:160], 2, 0.05) + 100
    above = np.full((60, 224), 1e3)
    for k in range(3, 60):
        rows = lower - k
        above[k, rows > 70] = slope[rows[rows > 70], np.nonzero(rows > 70)[0]]
    return lower - cheapest_path(above, 3, 0.03), lower


def joint_profile(pictures):
    upper, lower = [], []
    for picture in pictures:
        u, l = joint_edges(picture)
        level = 0.5 * (l[40:80].mean() + l[145:185].mean())
        upper.append(u - level), lower.append(l - level)
    return np.median(upper, 0), np.median(lower, 0), np.median(np.array(lower) - np.array(upper), 0)


def outer_edges(pictures, rows):
    found = {row: [] for row in rows}
    for picture in pictures:
        a = gaussian_filter(picture, 1.5)
        slope = np.gradient(a / a.std(), axis=1)
        for row in rows:
            p = slope[row - 3:row + 4].mean(0)
            found[row].append((3 + p[3:100].argmax(), 124 + p[124:221].argmin()))
    return {row: np.median(v, 0) for row, v in found.items()}


PATCHES = {"femur, medial": (60, 100, 50, 80), "femur, lateral": (60, 100, 140, 175),
           "tibia, medial": (165, 200, 60, 100), "tibia, lateral": (165, 200, 120, 170)}


def texture(pictures):
    out = {name: [] for name in PATCHES}
    for a in pictures:
        levels = [a] + [gaussian_filter(a, s) for s in (0.7, 1.4, 2.8, 5.6)]
        for name, (top, bottom, left, right) in PATCHES.items():
            out[name].append([(p - q)[top:bottom, left:right].std() / a.std() * 100 for p, q in zip(levels, levels[1:])])
    return {name: np.percentile(v, [10, 50, 90], axis=0) for name, v in out.items()}


def mean_picture(pictures):
    return np.mean([(a - a.mean()) / a.std() for a in pictures], 0)


def has_border(picture):
    """A white strip along an edge, or a black one that ends in a straight step."""
    for a in (picture, picture[::-1], picture.T, picture.T[::-1]):
        if a[:4].mean() >= 245 and a[:4].std() < 6:
            return True
        bright = np.quantile(a[:24], 0.9, axis=1) > 10
        first = int(bright.argmax())
        if 1 < first < 20 and np.median(a[first + 3]) - np.median(a[first - 1]) > 25:
            return True
    return False


def has_letter(picture):
    """Strokes of a letter's size, far brighter than what surrounds them, in an upper corner."""
    for corner in (picture[:70, :70], picture[:70, -70:]):
        found, _ = label(corner >= max(235, np.median(corner) + 45))
        for k, at in enumerate(find_objects(found), 1):
            height, width = (s.stop - s.start for s in at)
            strokes = found == k
            if not (14 <= height <= 45 and 6 <= width <= 32 and 0.12 < strokes.sum() / (height * width) < 0.75 and at[0].start > 0):
                continue
            around = corner[binary_dilation(strokes, iterations=4) & ~binary_dilation(strokes, iterations=2)]
            if corner[strokes].mean() > max(around.mean() + 60, around.max() + 20):
                return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real"), parser.add_argument("synthetic")
    parser.add_argument("--per-grade", type=int, default=100)
    parser.add_argument("--grades", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    real, made = (read(f, options.grades, options.per_grade) for f in (options.real, options.synthetic))
    print(f"{len(real)} real and {len(made)} synthetic pictures of grades {options.grades}; px at 224 px")
    (ru, rl, rg), (su, sl, sg) = joint_profile(real), joint_profile(made)
    print("column     upper edge      lower edge      gap        (real, synthetic; from the compartments' lower edge)")
    for x in range(26, 206, 12):
        print(f"{x:6d}  {ru[x]:7.1f} {su[x]:7.1f} {rl[x]:7.1f} {sl[x]:7.1f} {rg[x]:6.1f} {sg[x]:6.1f}")
    rows = (10, 20, 30, 45, 60, 75, 90, 105, 145, 155, 165, 175, 185, 195, 205, 215)
    r, s = outer_edges(real, rows), outer_edges(made, rows)
    print("row     strongest edges: real left, right; synthetic left, right")
    for row in rows:
        print(f"{row:4d}  {r[row][0]:5.0f} {r[row][1]:5.0f}   {s[row][0]:5.0f} {s[row][1]:5.0f}")
    r, s = texture(real), texture(made)
    print("texture, % of the film's SD, below 0.7 px, 0.7-1.4, 1.4-2.8, 2.8-5.6: 10 / 50 / 90 % of the films")
    for name in PATCHES:
        for kind, v in (("real", r[name]), ("synthetic", s[name])):
            print(f"  {name:15s} {kind:9s} " + "  ".join(f"{v[0, k]:.1f}/{v[1, k]:.1f}/{v[2, k]:.1f}" for k in range(4)))
    difference = mean_picture(real) - mean_picture(made)
    print(f"mean standardised pictures differ by {np.sqrt((difference ** 2).mean()):.3f} SD RMS")
    for name, has in (("a border", has_border), ("a side letter", has_letter)):
        print(f"pictures with {name}: {sum(map(has, real))} of {len(real)} real, {sum(map(has, made))} of {len(made)} synthetic")


main()
