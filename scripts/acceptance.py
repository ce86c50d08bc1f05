#!/usr/bin/env python3
"""The generator's acceptance checks, measured on generated pictures and masks; exit code 1 where one is out of bounds.

usage: scripts/acceptance.py [--genu build/release/genu] [--knees N] [--threads N] [--markdown]

Bounds are the specification's (section 8); rows that begin with 7 compare the truth's parts with each other. Lengths are counted in masks of 672 px, where a pixel is 0.14 mm; `side`, `sex` and the pixel spacing come from
the manifest. Where a row says "manifest" the number is nowhere in a picture. N knees a grade (300; five times as many
where no picture is measured). Means over grades are weighted as the cohorts are. Needs numpy and Pillow.
"""
import argparse, collections, csv, json, os, subprocess, sys, tempfile
import numpy as np
from PIL import Image

FEMUR, TIBIA, JOINT, LIP, SCLEROSIS, CYST = 2, 3, 6, 7, 8, 9
BONES = (FEMUR, TIBIA, 5, SCLEROSIS, CYST)
MENDELEY = np.array([3253, 1495, 2175, 1086, 251])          # knees a grade, public single-knee set
OAI = np.array([2434, 2632, 8538, 4698, 1402])              # images a grade with every OARSI reading
WOMEN, MEN = [4.6, 4.4, 4.3, 2.35, 0.4], [5.4, 5.1, 5.0, 2.75, 0.45]
# OARSI grades 0-3 over those images.
MARGINALS = {"osteophyte_fl": [11567, 4698, 1748, 1691], "osteophyte_fm": [10085, 4453, 2068, 3098], "osteophyte_tl": [11894, 5167, 1169, 1474],
             "osteophyte_tm": [6960, 9181, 2112, 1451], "jsn_lateral": [17044, 1160, 1061, 439], "jsn_medial": [9234, 5765, 3735, 970]}
# A film's grey mean and SD at 5, 25, 50, 75 and 95 % of 5,778 training films.
FILM_MEAN, FILM_SD = [110, 141, 156, 170, 200], [19, 27, 36, 48, 65]
LADDER = [(25, 32), (19, 26), (13, 20), (7, 13), (2, 7)]
rows = []


def check(name, asked, measured, ok, digits=3):
    rows.append((name, asked, f"{measured:.{digits}f}" if isinstance(measured, float) else str(measured), ok))


def within(name, asked, measured, low, high, digits=3):
    check(name, asked, float(measured), low <= measured <= high, digits)


def generate(options, folder, name, per_grade, *settings):
    out = os.path.join(folder, name)
    counts = [f"--set=splits.{s}_per_grade={n}" for s, n in (("train", per_grade), ("test", 0), ("sample", 0))]
    subprocess.run([options.genu, "generate", "--quiet", "--threads", str(options.threads), "--set=seed=808", *counts, *[f"--set={s}" for s in settings],
                    "--out", out], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(out, "manifest.csv"), newline="") as f:
        table = list(csv.DictReader(f))
    for row in table:
        row["folder"] = out
    return table


def picture(row, column):
    pixels = np.asarray(Image.open(os.path.join(row["folder"], row[column])))
    return pixels[:, ::-1] if row["side"] == "R" else pixels  # medial is left


def rim_columns(mask):
    """Medial and lateral rim of the plateau, px, and the row below the joint they stand on."""
    joint_rows = np.nonzero((mask == JOINT).any(1))[0]
    if not len(joint_rows):
        return None
    size = mask.shape[0]
    low = joint_rows[-1] if joint_rows[-1] - joint_rows[0] < 0.5 * size else joint_rows[0]
    band = np.isin(mask, (TIBIA, SCLEROSIS, CYST))[low:low + size // 20].any(0)
    columns = np.nonzero(band)[0]
    return (columns[0], columns[-1] + 1) if len(columns) else None


def joint_space_mm(mask, spacing):
    """Least distance of the joint space's upper and lower edge over the weight-bearing part of each plateau, (medial, lateral) mm."""
    rims = rim_columns(mask)
    if rims is None:
        return None
    left, right = rims
    middle, half = 0.5 * (left + right), 0.5 * (right - left)
    inner = 0.33 * half + 3 / spacing  # the eminence takes a third of the plateau
    found = []
    for low, high in ((left + 3 / spacing, middle - inner), (middle + inner, right - 3 / spacing)):
        upper, lower, closed = [], [], False
        for x in range(int(np.ceil(low)), int(high)):
            at = np.nonzero(mask[:, x] == JOINT)[0]
            if len(at):
                # A lip that stands over the joint is no part of either plate.
                first, last = at[0], at[-1]
                while first > 0 and mask[first - 1, x] == LIP:
                    first -= 1
                while last + 1 < len(mask) and mask[last + 1, x] == LIP:
                    last += 1
                # Beyond the condyle's edge there is tissue above the joint, and no joint space to measure.
                if first == 0 or last + 1 == len(mask) or mask[first - 1, x] not in BONES or mask[last + 1, x] not in BONES:
                    continue
                at = (first, last)
                upper.append((x, at[0])), lower.append((x, at[-1] + 1))
            else:
                femur, tibia = np.nonzero(mask[:, x] == FEMUR)[0], np.nonzero(mask[:, x] == TIBIA)[0]
                if len(femur) and len(tibia):  # bone on bone: nothing but lesions of bone between the two
                    closed = closed or bool(np.isin(mask[femur[-1] + 1:tibia[0], x], (LIP, SCLEROSIS, CYST)).all())
        if closed:
            found.append(0.0)
            continue
        if not upper:
            return None
        u, l = np.array(upper, float), np.array(lower, float)
        found.append(spacing * np.sqrt(((u[:, None] - l[None]) ** 2).sum(-1)).min())
    return found


def lip_mm(mask, spacing):
    """Widest run of the osteophyte label at each corner of the joint: fm, fl, tm, tl."""
    joint = np.nonzero(mask == JOINT)
    if not len(joint[0]):
        return [0.0] * 4
    lips, size = mask == LIP, mask.shape[1]
    x, y = joint[1], joint[0]
    slope = np.polyfit(x, y, 1)
    line = np.polyval(slope, np.arange(size))
    above = np.arange(mask.shape[0])[:, None] < line[None]
    out = []
    for upper in (True, False):
        for side in (slice(0, size // 2), slice(size // 2, size)):
            part = (lips & (above == upper))[:, side]
            out.append(spacing * (part.sum(1).max() if part.any() else 0))
    return out


def auc(score, positive, weight):
    order = np.argsort(score, kind="stable")
    s, p, w = score[order], positive[order], weight[order]
    total, below = 0.0, 0.0
    for value in np.unique(s):
        here = s == value
        negative, hits = w[here & ~p].sum(), w[here & p].sum()
        total += hits * (below + 0.5 * negative)
        below += negative
    return total / (w[p].sum() * w[~p].sum())


def grade_weights(kl, cohort):
    counts = np.bincount(kl, minlength=5)
    return (cohort / cohort.sum() / np.maximum(counts, 1))[kl]


def shapes(options, folder):
    table = generate(options, folder, "shapes", options.knees, "image_size_px=672")
    kl = np.array([int(r["kl"]) for r in table])
    fills, scales, jsw, lips, keep = [], [], [], [], []
    for i, row in enumerate(table):
        mask, spacing = picture(row, "mask_path"), float(row["pixel_spacing_mm"])
        if not row["border"]:
            femur = np.isin(mask[:int(0.55 * mask.shape[0])], (FEMUR, 5))
            columns = [np.nonzero(line)[0] for line in femur[::4] if line.any()]
            width = max(c[-1] + 1 - c[0] for c in columns)
            if min(c[0] for c in columns) > 0 and max(c[-1] for c in columns) < mask.shape[1] - 1 and kl[i] < 2:
                fills.append(width / mask.shape[1])
                scales.append(width / 3 / float(row["femur_width_mm"]))
            measured = joint_space_mm(mask, spacing)
            if measured:
                keep.append(i), jsw.append(measured), lips.append(lip_mm(mask, spacing))
    within("1 femur's width over the crop's", "0.87 +- 0.03", np.mean(fills), 0.84, 0.90)
    within("1 scale at 224 px, px a mm", "2.4 +- 0.1", np.mean(scales), 2.3, 2.5)
    keep, jsw, lips = np.array(keep), np.array(jsw), np.array(lips)
    kl, women = kl[keep], np.array([table[i]["sex"] == "F" for i in keep])
    said = np.array([[float(table[i][f"jsw_{side}_mm"]) for side in ("medial", "lateral")] for i in keep])
    error = (jsw - said)[kl < 4]
    within("7 the mask's joint space less the manifest's, KL 0-3, mean mm", "0 +- 0.1", error.mean(), -0.1, 0.1)
    within("7 the same, share within 0.2 mm (half a pixel at 224 px)", ">= 0.95", np.mean(np.abs(error) <= 0.2), 0.95, 1)
    medial = jsw[:, 0] / 5.1 <= jsw[:, 1] / 6.4  # the side that has lost more of its usual width
    for grade in range(5):
        for sex, asked, these in (("women", WOMEN[grade], women), ("men", MEN[grade], ~women)):
            chosen = (kl == grade) & these & (medial if grade >= 3 else np.ones(len(kl), bool))
            within(f"2 medial joint space, KL {grade}, {sex}, mm", f"{asked} +- 0.3", jsw[chosen, 0].mean(), asked - 0.3, asked + 0.3, 2)
    narrowest = jsw.min(1)
    weight = grade_weights(kl, MENDELEY)
    within("2 AUC of the joint space, KL >= 3", "0.93-0.97", auc(-narrowest, kl >= 3, weight), 0.93, 0.97)
    pick = (kl == 0) | (kl == 2)
    within("2 AUC of the joint space, KL 2 against 0", "0.60-0.65", auc(-narrowest[pick], kl[pick] == 2, weight[pick]), 0.60, 0.65)
    # Definite disease: a lip, or a joint space below half of the usual.
    score = np.maximum(lips.max(1), 3.0 * (np.minimum(jsw[:, 0] / 5.1, jsw[:, 1] / 6.4) < 0.5))
    pick = (kl == 0) | (kl >= 2)
    within("2 AUC of lips and joint space, KL >= 2 against 0", ">= 0.98", auc(score[pick], kl[pick] >= 2, weight[pick]), 0.98, 1.0)
    worn = kl >= 3
    share = np.average(medial[worn], weights=grade_weights(kl, OAI)[worn])
    within("3 medial share of KL 3-4", "0.70-0.78", share, 0.70, 0.78)
    for column, site in (("osteophyte_fm", 0), ("osteophyte_fl", 1), ("osteophyte_tm", 2), ("osteophyte_tl", 3)):
        said = np.array([float(table[i][column + "_mm"]) for i in keep])
        clear = (said == 0) | (said >= 2)
        agree = np.mean((lips[clear, site] > 0.6) == (said[clear] >= 2))
        within(f"3 the mask's lips are the manifest's, {column[-2:]} (0 against 2 mm or more)", ">= 0.95", agree, 0.95, 1.0)


    check_outlines(table)


def check_outlines(table):
    """COCO and manifest tell of the same lesions."""
    with open(os.path.join(table[0]["folder"], "annotations.json")) as f:
        coco = json.load(f)
    names = {c["id"]: c["name"] for c in coco["categories"]}
    found = {image["sample"]: collections.Counter() for image in coco["images"]}
    sample = {image["id"]: image["sample"] for image in coco["images"]}
    for annotation in coco["annotations"]:
        found[sample[annotation["image_id"]]][names[annotation["category_id"]]] += 1
    wrong = 0
    for row in table:
        has = found[row["id"]]
        lips = sum(float(row[f"osteophyte_{site}_mm"]) > 0 for site in ("fm", "fl", "tm", "tl"))
        sclerosis = 2 * sum(int(row[f"sclerosis_{side}"]) > 0 for side in ("medial", "lateral"))  # femur and tibia
        calcified = float(row["chondrocalcinosis_medial"]) + float(row["chondrocalcinosis_lateral"]) > 0
        wrong += (has["osteophyte"] != lips or has["cyst"] != int(row["cyst_count"]) or has["sclerosis"] != sclerosis or
                  has["fabella"] != (float(row["fabella_mm"]) > 0) or has["loose_body"] != int(row["loose_body_count"]) or
                  (has["chondrocalcinosis"] > 0) != calcified or (has["hardware"] > 0) != bool(row["hardware"]))
    check("7 knees whose COCO outlines are not the manifest's lesions", "0", wrong, wrong == 0)


def numbers(options, folder):
    table = generate(options, folder, "numbers", 5 * options.knees, "image_size_px=64", "reader=experienced")
    kl = np.array([int(r["kl"]) for r in table])
    weight = grade_weights(kl, OAI)
    for column, counts in MARGINALS.items():
        asked = np.array(counts) / sum(counts)
        values = np.array([int(r[column]) for r in table])
        got = np.array([weight[values == g].sum() for g in range(4)])
        check(f"3 {column}, shares of grade 0-3, largest miss (manifest)", "<= 0.02", float(np.abs(got - asked).max()), np.abs(got - asked).max() <= 0.02)
    read, weight = np.array([int(r["kl_read"]) for r in table]), grade_weights(kl, MENDELEY)
    within("5 accuracy of an experienced reader (manifest)", "0.71 +- 0.02", weight[kl == read].sum(), 0.69, 0.73)
    confusion = np.zeros((5, 5))
    np.add.at(confusion, (kl, read), weight)
    penalty = (np.arange(5)[:, None] - np.arange(5)[None]) ** 2
    kappa = 1 - (penalty * confusion).sum() / (penalty * np.outer(confusion.sum(1), confusion.sum(0))).sum()
    within("5 his quadratic kappa (manifest)", "0.86 +- 0.02", kappa, 0.84, 0.88)


def greys(options, folder):
    table = generate(options, folder, "greys", options.knees)
    kl = np.array([int(r["kl"]) for r in table])
    weight = grade_weights(kl, MENDELEY)
    pictures = [picture(r, "path").astype(float) for r in table]
    means, squares = np.array([p.mean() for p in pictures]), np.array([(p * p).mean() for p in pictures])
    sds = np.sqrt(squares - means ** 2)
    mean = np.average(means, weights=weight)
    within("4 grey mean of all pixels", "0.607 +- 0.02", mean / 255, 0.587, 0.627)
    within("4 grey SD of all pixels", "0.193 +- 0.02", np.sqrt(np.average(squares, weights=weight) - mean ** 2) / 255, 0.173, 0.213)
    for name, values, asked, allowed in (("mean", means, FILM_MEAN, 8), ("SD", sds, FILM_SD, 6)):
        order = np.argsort(values)
        reached = np.cumsum(weight[order])
        got = [values[order][np.searchsorted(reached, q)] for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
        worst = int(np.abs(np.array(got) - asked).argmax())
        check(f"4 a picture's grey {name} at 5, 25, 50, 75, 95 %", f"{', '.join(map(str, asked))}, each +- {allowed}", ", ".join(f"{g:.0f}" for g in got),
              abs(got[worst] - asked[worst]) <= allowed)


def ladder(options, folder):
    table = generate(options, folder, "ladder", max(20, options.knees // 5), "mode=seed_compat", "disease.attrition=[0,0,0,0,0]", "image_size_px=672")
    for grade, (low, high) in enumerate(LADDER):
        found = []
        for row in table:
            if int(row["kl"]) != grade or row["border"]:
                continue
            measured = joint_space_mm(picture(row, "mask_path"), float(row["pixel_spacing_mm"]))
            if measured:
                found += [m / float(row["pixel_spacing_mm"]) / 3 for m in measured]  # at 224 px
        inside = np.mean([low - 1 <= f <= high + 1 for f in found])
        check(f"6 seed_compat, KL {grade}, joint space px (5-95 %)", f"{low}-{high}, 95 % within a pixel", f"{np.quantile(found, .05):.1f}-{np.quantile(found, .95):.1f}",
              inside >= 0.95)
    folder = table[0]["folder"]
    said = "anatomical: false" in open(os.path.join(folder, "dataset.yaml")).read() and "Non-anatomical" in open(os.path.join(folder, "README.md")).read()
    check("6 seed_compat is labelled non-anatomical", "yes", "yes" if said else "no", said)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--genu", default="build/release/genu"); p.add_argument("--knees", type=int, default=300)
    p.add_argument("--threads", type=int, default=0); p.add_argument("--markdown", action="store_true")
    options = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for part in (shapes, numbers, greys, ladder):
            part(options, folder)
    if options.markdown:
        print("| check | asked | measured | |\n|---|---|---|---|")
    for name, asked, measured, ok in sorted(rows, key=lambda r: r[0][0]):
        verdict = "passes" if ok else "FAILS"
        print(f"| {name} | {asked} | {measured} | {verdict} |" if options.markdown else f"{verdict:7} {name}: {measured} (asked {asked})")
    return 0 if all(r[3] for r in rows) else 1


sys.exit(main())
