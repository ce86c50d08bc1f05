#!/usr/bin/env python3
"""Whether a synthetic set gives its grade away outside the joint.

usage: check_shortcut.py DATASET [--split train] [--part both|above|below] [--grade kl] [--real FOLDER] [--margin-mm 3]

Blanks the joint and its margins in every picture: one band of rows for the whole set, taken from its masks (labels joint
space, osteophyte, sclerosis and cyst of 99 % of the pictures, and --margin-mm above and below). Then lets two classifiers grade what is
left, five-fold by subject: a random forest and a logistic regression, both on principal components of the pixels and on
orientation histograms. The set must hold as many pictures of each grade, so that chance is 0.2. Exit code 1 if either beats
chance by more than 5 points.

  --part above|below  blank one side of the joint too: one bone alone cannot tell how the two are aligned
  --grade kl_planned  the grade that the lesions were drawn for: with `generate --set dials.jsw_medial_mm=...` the grade changes
  --real FOLDER       the same rows of as many real films of each grade (FOLDER/grade/SUBJECTSIDE.png), for comparison

Needs numpy, scipy, scikit-learn and Pillow.
"""
import argparse, csv, glob, os, sys
import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

JOINT_LABELS = (6, 7, 8, 9)  # joint space, osteophyte, sclerosis, cyst


def joint_band(folder, rows, margin_mm):
    """One band of rows for the whole set, so that the mask itself cannot tell a grade: it holds the joint's labels of 99 % of
    the pictures, and --margin-mm above and below."""
    tops, bottoms = [], []
    for row in rows:
        mask = np.asarray(Image.open(os.path.join(folder, row["path"].replace("images/", "masks/", 1))))
        joint = np.where(np.isin(mask, JOINT_LABELS).any(1))[0]
        if len(joint): tops.append(joint.min()); bottoms.append(joint.max())
    margin = margin_mm / np.median([float(r["pixel_spacing_mm"]) for r in rows])
    return max(0, int(np.quantile(tops, .01) - margin)), int(np.quantile(bottoms, .99) + margin) + 1


def kept_rows(height, band, part):
    kept = np.ones(height, bool); kept[band[0]:band[1]] = False
    if part == "above": kept[band[1]:] = False
    if part == "below": kept[:band[0]] = False
    return kept


def outside(path, is_right, band, part):
    """The picture's rows outside the band, standardised; right knees mirrored."""
    picture = np.asarray(Image.open(path).convert("L"), np.float32)
    kept = kept_rows(picture.shape[0], band, part)
    out = np.zeros_like(picture); out[kept] = (picture[kept] - picture[kept].mean()) / (picture[kept].std() + 1)
    return out[:, ::-1] if is_right else out


def real_films(folder):
    """(path, is right, grade, subject): the same number of each grade, drawn with a fixed seed."""
    found = [sorted(glob.glob(os.path.join(folder, str(g), "*.png"))) for g in range(5)]
    least = min(map(len, found))
    if not least: raise SystemExit(f"{folder}: no film of some grade; expected grade/SUBJECTSIDE.png")
    rng = np.random.default_rng(0); out = []
    for grade, paths in enumerate(found):
        for i in rng.permutation(len(paths))[:least]:
            name = os.path.basename(paths[i])[:-4]
            out.append((paths[i], name[-1].upper() == "R", grade, name[:-1]))
    return out


def hog(x, cells=14, bins=9):
    gy, gx = np.gradient(x); mag = np.hypot(gx, gy); angle = np.mod(np.arctan2(gy, gx), np.pi)
    b = np.minimum((angle / np.pi * bins).astype(int), bins - 1); s = x.shape[0] // cells
    h = np.stack([(mag * (b == k))[:s * cells, :s * cells].reshape(cells, s, cells, s).sum((1, 3)) for k in range(bins)], -1)
    return (h / (np.linalg.norm(h, axis=-1, keepdims=True) + 1e-3)).ravel()


def best_score(films, grades, subjects):
    step = max(1, films[0].shape[0] // 56)
    pixels = np.array([ndimage.uniform_filter(f, step)[step // 2::step, step // 2::step].ravel() for f in films])
    gradients = np.array([hog(f) for f in films])
    folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(pixels, grades, subjects)); best = 0
    for name, x in (("pixels", pixels), ("hog", gradients)):
        for kind, model in (("forest", RandomForestClassifier(300, min_samples_leaf=3, random_state=0)),
                            ("logistic", LogisticRegression(C=.05, max_iter=1000))):
            pipe = make_pipeline(StandardScaler(), PCA(min(48, len(grades) // 10), random_state=0), model)
            score = cross_val_score(pipe, x, grades, cv=folds).mean(); best = max(best, score)
            print(f"{name:7s} {kind:9s} accuracy {score:.3f} (chance 0.200)")
    return best


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dataset"); p.add_argument("--split", default="train"); p.add_argument("--grade", default="kl")
    p.add_argument("--part", choices=("both", "above", "below"), default="both"); p.add_argument("--real")
    p.add_argument("--margin-mm", type=float, default=3)
    o = p.parse_args()
    with open(os.path.join(o.dataset, "manifest.csv"), newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["split"] == o.split]
    if not rows: raise SystemExit(f"{o.dataset}: no picture in split {o.split}")
    band = joint_band(o.dataset, rows, o.margin_mm)
    listed = real_films(o.real) if o.real else [(os.path.join(o.dataset, r["path"]), r["side"].upper().startswith("R"),
                                                 int(r[o.grade]), r["subject"]) for r in rows]
    grades = np.array([g for _, _, g, _ in listed]); counts = np.bincount(grades, minlength=5)
    if counts.min() != counts.max(): raise SystemExit(f"{o.dataset}: not balanced, pictures a grade {counts.tolist()}")
    best = best_score([outside(path, right, band, o.part) for path, right, _, _ in listed], grades, [s for *_, s in listed])
    kept = {"both": "the rest", "above": "what is above", "below": "what is below"}[o.part]
    print(f"{len(grades)} pictures, rows {band[0]} to {band[1]} blanked, {kept} graded; best {best:.3f}, allowed 0.250")
    sys.exit(0 if best <= 0.25 else 1)


main()
