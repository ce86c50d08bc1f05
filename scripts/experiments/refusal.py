#!/usr/bin/env python3
"""Which pictures an exported grader refuses: real knees, which it should grade, and what is no gradable knee.

    scripts/experiments/refusal.py --real DIR [--checkpoint DIR] [--every 4] [--genu build/release/genu]

    --real DIR        Mendeley layout; the val part is used
    --checkpoint DIR  written by `genu export`; default: the grader that ships with genu
    --every N         of the val part's 826 films, every N-th is altered

Prints a table: kind, files, share refused in %, median distance. Needs Pillow and NumPy (Debian: python3-pil,
python3-numpy); photographs come from scikit-learn where it is installed.
"""
import argparse, glob, json, os, shutil, statistics, subprocess, sys, tempfile

import numpy as np
from PIL import Image, ImageDraw

SIDE_PX = 224


def read(path):
    return np.asarray(Image.open(path).convert("L"))


def sized(pixels):
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((SIDE_PX, SIDE_PX), Image.BILINEAR))


def turned(pixels, degrees):
    return np.asarray(Image.fromarray(pixels).rotate(degrees, Image.BILINEAR))


def zoomed(pixels, factor):
    margin = round(SIDE_PX * (1 - 1 / factor) / 2)
    return sized(pixels[margin : SIDE_PX - margin, margin : SIDE_PX - margin])


def quarter(pixels, number):
    half = SIDE_PX // 2
    top, left = number // 2 % 2 * half, number % 2 * half
    return sized(pixels[top : top + half, left : left + half])


def text_page(random, ink, paper):
    page = Image.new("L", (SIDE_PX, SIDE_PX), paper)
    draw = ImageDraw.Draw(page)
    for y in range(8, 210, 11):
        letters = random.integers(97, 123, int(random.integers(10, 34)))
        draw.text((8, y), "".join(chr(c) if random.random() > 0.15 else " " for c in letters), fill=ink)
    return np.asarray(page)


def shapes(random):
    page = Image.new("L", (SIDE_PX, SIDE_PX), int(random.integers(0, 100)))
    draw = ImageDraw.Draw(page)
    for _ in range(int(random.integers(1, 6))):
        (left, right), (top, bottom) = (sorted(random.integers(0, SIDE_PX, 2).tolist()) for _ in range(2))
        paint = draw.ellipse if random.random() < 0.5 else draw.rectangle
        paint([left, top, right, bottom], fill=int(random.integers(100, 256)))
    return np.asarray(page)


# Two shafts and a dark gap: what a knee is to somebody who has heard of one.
def two_shafts(random):
    page = Image.new("L", (SIDE_PX, SIDE_PX), int(random.integers(20, 80)))
    draw = ImageDraw.Draw(page)
    middle, half, joint = (int(random.integers(*span)) for span in ((100, 125), (30, 60), (105, 125)))
    draw.rectangle([middle - half, 0, middle + half, joint - 4], fill=int(random.integers(150, 230)))
    draw.rectangle([middle - half, joint + 4, middle + half, SIDE_PX], fill=int(random.integers(150, 230)))
    return np.asarray(page)


def smooth_noise(random, number):
    cells = 2 ** (1 + number % 5) + 2
    grey = random.integers(0, 256, (cells, cells)).astype(np.uint8)
    return np.asarray(Image.fromarray(grey).resize((SIDE_PX, SIDE_PX), Image.BICUBIC))


def photographs(random):
    try:
        from sklearn.datasets import load_sample_images
    except ImportError:
        return []
    pieces = []
    for picture in load_sample_images().images:
        grey = np.asarray(Image.fromarray(picture).convert("L"))
        for _ in range(20):
            side = int(random.integers(100, 420))
            y, x = (int(random.integers(0, length - side)) for length in grey.shape)
            pieces.append(sized(grey[y : y + side, x : x + side]))
    return pieces


class Kinds:
    """Folders of files, each a kind, in the order added."""

    def __init__(self, work):
        self.work, self.files = work, {}

    def add(self, kind, pictures, quality=100):
        """pictures: (file name, pixels)"""
        folder = os.path.join(self.work, str(len(self.files)))
        os.makedirs(folder)
        for name, pixels in pictures:
            Image.fromarray(np.ascontiguousarray(pixels)).save(os.path.join(folder, name), quality=quality)
        self.files[kind] = sorted(glob.glob(os.path.join(folder, "*")))

    def add_numbered(self, kind, pictures):
        self.add(kind, [(f"picture{i}.png", pixels) for i, pixels in enumerate(pictures)])


def add_altered(kinds, films):
    alterations = {
        "knees as JPEG, quality 90": lambda a, i: a,
        "knees as JPEG, quality 50": lambda a, i: a,
        "knees at half contrast": lambda a, i: (a // 2 + 64),
        "knees turned by 10 degrees": lambda a, i: turned(a, 10 if i % 2 else -10),
        "knees enlarged by 1.15": lambda a, i: zoomed(a, 1.15),
        "knees mirrored": lambda a, i: a[:, ::-1],
        "negatives, righted by predict": lambda a, i: 255 - a,
        "turned by 90 degrees": lambda a, i: np.rot90(a, 1 if i % 2 else 3),
        "turned by 180 degrees": lambda a, i: np.rot90(a, 2),
        "upside down": lambda a, i: a[::-1],
        "a quarter of the film": quarter,
        "the middle half of the film": lambda a, i: zoomed(a, 2),
    }
    for kind, alter in alterations.items():
        end = ".jpg" if "JPEG" in kind else ".png"
        named = [(os.path.splitext(os.path.basename(f))[0] + end, alter(read(f), i)) for i, f in enumerate(films)]
        kinds.add(kind, named, quality=int(kind[-2:]) if "JPEG" in kind else 100)


def add_others(kinds, genu, work):
    random = np.random.default_rng(0)
    kinds.add_numbered("one grey level", [np.full((SIDE_PX, SIDE_PX), v, np.uint8) for v in (0, 60, 128, 200, 255)])
    kinds.add_numbered("noise", [random.integers(0, 256, (SIDE_PX, SIDE_PX)).astype(np.uint8) for _ in range(20)])
    kinds.add_numbered("smooth noise", [smooth_noise(random, i) for i in range(40)])
    kinds.add_numbered("text pages", [text_page(random, *((0, 255) if i % 2 else (255, 0))) for i in range(40)])
    kinds.add_numbered("ellipses and rectangles", [shapes(random) for _ in range(40)])
    kinds.add_numbered("two drawn shafts with a gap", [two_shafts(random) for _ in range(40)])
    kinds.add_numbered("photographs", photographs(random))
    kinds.files["this repository's pictures"] = sorted(glob.glob("docs/images/*.png"))
    study = os.path.join(work, "study")
    subprocess.run([genu, "generate", "--quiet", "--config", "configs/generate/bilateral_study.yaml", "--set",
                    "film.subjects=20", "--out", study], check=True, stdout=subprocess.DEVNULL)
    kinds.files["whole films of both knees (synthetic)"] = sorted(glob.glob(study + "/films/*.dcm"))
    for kind, part, options in (
        ("genu's synthetic knees, default", "train", []),
        ("genu's synthetic knees, oai_like.yaml", "train", ["--config", "configs/generate/oai_like.yaml"]),
        ("genu's replaced knees", "test", ["--set", "disease.replacement_share=1"]),
    ):
        folder = os.path.join(work, f"{part}_{len(kinds.files)}")
        for name in ("train", "test", "sample"):
            options += ["--set", f"splits.{name}_per_grade={20 if name == part else 0}"]
        subprocess.run([genu, "generate", "--quiet", *options, "--out", folder], check=True, stdout=subprocess.DEVNULL)
        kinds.files[kind] = sorted(glob.glob(f"{folder}/images/{part}/*/*.png"))


def distances(genu, checkpoint, files):
    """(refused, distance) of each file."""
    command = [genu, "predict", "--json", "--quiet"] + (["--checkpoint", checkpoint] if checkpoint else []) + files
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode not in (0, 3):
        sys.exit(run.stderr)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    if rows and "distance" not in rows[0]:
        sys.exit("this grader refuses nothing; export one with --components above 0")
    if len(rows) != len(files):
        sys.exit(f"{len(files) - len(rows)} files could not be read:\n{run.stderr}")
    return [(not row["gradable"], row["distance"]) for row in rows]


def show(kind, rows):
    share = 100 * sum(refused for refused, _ in rows) / len(rows)
    print(f"| {kind} | {len(rows)} | {share:.1f} | {statistics.median(d for _, d in rows):.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", required=True)
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--genu", default="build/release/genu")
    given = parser.parse_args()
    films = sorted(glob.glob(given.real + "/val/*/*.png"), key=os.path.basename)
    if not films:
        sys.exit(f"{given.real}: no val/GRADE/*.png there")
    with tempfile.TemporaryDirectory() as work:
        kinds = Kinds(work)
        kinds.files["real knees of the val part"] = films
        add_altered(kinds, films[:: given.every])
        add_others(kinds, given.genu, work)
        print("| kind | files | refused, % | median distance |\n|---|---|---|---|")
        for kind, files in kinds.files.items():
            if files:
                show(kind, distances(given.genu, given.checkpoint, files))
        if given.checkpoint:
            # grader.yaml is not hashed: it says how a film is prepared.
            unrighted = shutil.copytree(given.checkpoint, os.path.join(work, "unrighted"))
            path = os.path.join(unrighted, "grader.yaml")
            with open(path) as file:
                text = file.read()
            with open(path, "w") as file:
                file.write(text.replace("negatives: right", "negatives: keep"))
            show("negatives, not righted", distances(given.genu, unrighted, kinds.files["negatives, righted by predict"]))


main()
