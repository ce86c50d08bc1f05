#!/usr/bin/env python3
"""Which cue gives synthetic radiographs away: what a classifier that tells them from real films is shown, one cue at a time.

usage: realism_cues.py REAL_A REAL_B SYNTHETIC [--per-class 100] [--seed 0]

Each argument is a folder with one sub-folder a KL grade; right knees (names that end in R) are mirrored. The classifier (logistic
on principal components, five-fold) is told to part SYNTHETIC from REAL_B; the same for REAL_A, the floor. 0.5 is "cannot tell".
Every picture is changed in the same way before it is shown:

  nothing taken away        the picture
  without exposure          each picture's own grey levels spread evenly (its histogram says nothing)
  coarse only               32 x 32 cells of 7 px: shapes and shading
  middle only, fine only    bands of 2-7 px and below 2 px, each divided by its own local strength: trabeculae and edges; noise
  strength of the bands     how strong each band is in 7 x 7 places, and nothing of where its lines run
  strength, whole picture   its mean over the places, and the grey SD: three numbers
  above, joint, below       rows 0-84, 84-168, 168-224, standardised

Needs numpy, scipy, scikit-learn and Pillow."""
import argparse, glob, os
import numpy as np
from PIL import Image
from scipy import ndimage, stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIZE = 224
GRADES = range(5)


def files_of(folder, grade):
    return sorted(f for e in ("png", "jpg", "jpeg") for f in glob.glob(f"{folder}/{grade}/*.{e}"))


def read(folder, counts, seed):
    """Pictures, and whose knee each is: SUBJECTSIDE of a film, a synthetic knee's own name."""
    out, subjects = [], []
    for grade in GRADES:
        files = files_of(folder, grade)
        for i in np.random.default_rng([seed, grade]).permutation(len(files))[:counts[grade]]:
            picture = np.asarray(Image.open(files[i]).convert("L").resize((SIZE, SIZE), Image.BILINEAR), np.float32)
            name = os.path.splitext(os.path.basename(files[i]))[0]
            out.append(picture[:, ::-1] if name.endswith("R") else picture)
            subjects.append(name[:-1] if name[-1] in "LR" else name)
    return np.stack(out), np.array(subjects)


def blurred(x, sigma):
    return ndimage.gaussian_filter(x, (0, sigma, sigma))


def bands(x):
    """Coarse, middle (2-7 px) and fine parts of a stack."""
    fine, coarse = blurred(x, 1), blurred(x, 3.5)
    return coarse, fine - coarse, x - fine


def of_unit_strength(band):
    return band / (np.sqrt(blurred(band ** 2, 10)) + 0.5)


def ranks(x):
    return np.stack([stats.rankdata(p).reshape(p.shape) / p.size for p in x])


def strengths(x):
    cells = [np.log(np.sqrt((band ** 2).reshape(len(x), 7, 32, 7, 32).mean((2, 4))) + 0.1) for band in bands(x)[1:]]
    return np.concatenate([c.reshape(len(x), -1) for c in cells], 1)


def overall_strengths(x):
    parts = strengths(x)
    return np.stack([parts[:, :49].mean(1), parts[:, 49:].mean(1), np.log(x.std((1, 2)) + 1)], 1)


def standardised(x):
    return (x - x.mean((1, 2), keepdims=True)) / (x.std((1, 2), keepdims=True) + 1)


def thinned(x, step=4):
    return x[:, step // 2::step, step // 2::step].reshape(len(x), -1)


CUES = {
    "nothing taken away": thinned,
    "without exposure": lambda x: thinned(ranks(x)),
    "coarse only": lambda x: thinned(standardised(blurred(x, 3.5)), 7),
    "middle only": lambda x: thinned(of_unit_strength(bands(x)[1])),
    "fine only": lambda x: thinned(of_unit_strength(bands(x)[2])),
    "strength of the bands": strengths,
    "strength, whole picture": overall_strengths,
    "above the joint": lambda x: thinned(standardised(x[:, :84])),
    "the joint": lambda x: thinned(standardised(x[:, 84:168])),
    "below the joint": lambda x: thinned(standardised(x[:, 168:])),
}


def told_apart(a, b, subjects):
    x, y = np.concatenate([a, b]), np.r_[np.zeros(len(a)), np.ones(len(b))]
    model = make_pipeline(StandardScaler(), PCA(min(64, len(a) // 2, x.shape[1]), random_state=0), LogisticRegression(C=.1, max_iter=500))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    return cross_val_score(model, x, y, groups=subjects, cv=folds).mean()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("real_a", "real_b", "synthetic"): p.add_argument(name)
    p.add_argument("--per-class", type=int, default=100); p.add_argument("--seed", type=int, default=0)
    o = p.parse_args()
    folders = o.real_a, o.real_b, o.synthetic
    counts = [min([o.per_class] + [len(files_of(d, g)) for d in folders]) for g in GRADES]
    if not min(counts): raise SystemExit(f"a grade is empty in one of the folders: usable pictures a grade {counts}")
    (a, whose_a), (b, whose_b), (synthetic, whose_synthetic) = (read(d, counts, o.seed + k) for k, d in enumerate(folders))
    print(f"{len(b)} pictures a set\n| shown | synthetic against real | real against real |\n|---|---|---|")
    for name, cue in CUES.items():
        fa, fb, fs = cue(a), cue(b), cue(synthetic)
        print(f"| {name} | {told_apart(fs, fb, np.r_[whose_synthetic, whose_b]):.3f} | {told_apart(fa, fb, np.r_[whose_a, whose_b]):.3f} |", flush=True)


main()
