#!/usr/bin/env python3
"""Draws the pictures of docs/physics.md, and a sheet of real films beside synthetic ones that stays out of the repository.

usage: physics_pictures.py [--genu build/release/genu] [--out docs/images] [--real FOLDER --sheet FILE.png]

  dials.png    one knee, one row a lesion, the dial turned from left to right
  stages.png   one knee as the chain forms its picture: each column adds a stage
  --sheet      for each grade six films of FOLDER/grade above six of configs/generate/oai_like.yaml, drawn with a fixed seed

Needs Pillow.
"""
import argparse, csv, glob, os, random, subprocess, tempfile
from PIL import Image, ImageDraw

CONFIG = "configs/generate/oai_like.yaml"
LABEL_PX = 22
# A film of usual exposure: by chance many are faint.
EXPOSURE = ["--set=dials.mean_grey=150", "--set=dials.sd_grey=45", "--set=dials.curve_steepness=1", "--set=dials.range_compression=0.35",
            "--set=dials.inverted=0"]
# A dial, its range, and the knee it is turned on (grade : number).
DIALS = [("jsw_medial_mm", 0, 6, "0:2"), ("jsw_lateral_mm", 0, 6, "0:2"), ("osteophyte_tm_mm", 0, 6, "1:4"), ("osteophyte_fl_mm", 0, 6, "1:4"),
         ("sclerosis_medial", 0, 3, "3:1"), ("cyst_diameter_mm", 0, 12, "3:1"), ("attrition_mm", 0, 8, "4:3"),
         ("spine_sharpening_deg", 0, 40, "1:4"), ("notch_narrowing_mm", 0, 5, "1:4"), ("lateral_shift_mm", 0, 8, "0:2"),
         ("fabella_mm", 0, 10, "0:2"), ("loose_body_mm", 0, 10, "1:4"), ("chondrocalcinosis", 0, 1, "0:2"), ("hardware", 0, 3, "0:2")]
# What each column still leaves out.
STAGES = [("path lengths, ideal detector", dict(texture=0, scatter=0, blur=0.05, noise=0, heel=0, compression=0, edge=0)),
          ("+ trabeculae", dict(scatter=0, blur=0.05, noise=0, heel=0, compression=0, edge=0)),
          ("+ scatter, heel", dict(blur=0.05, noise=0, compression=0, edge=0)), ("+ blur", dict(noise=0, compression=0, edge=0)),
          ("+ noise", dict(compression=0, edge=0)), ("+ range compression", dict(edge=0)), ("+ edge enhancement", dict())]
KEYS = {"texture": "trabecular.amplitude", "scatter": "dials.scatter_to_primary", "blur": "dials.blur_sigma_px", "noise": "dials.quantum_noise",
        "heel": "dials.heel_gradient", "compression": "dials.range_compression", "edge": "dials.edge_gain"}


def genu(options, *args):
    subprocess.run([options.genu, "generate", "--quiet", "--config", CONFIG, *map(str, args)], check=True, stdout=subprocess.DEVNULL)


def draw_dials(options, folder):
    strips = []
    for name, low, high, knee in DIALS:
        path = os.path.join(folder, name + ".png")
        genu(options, *EXPOSURE, "--sweep", f"{name}={low}:{high}:6", "--knee", knee, "--out", path)
        strips.append((name, Image.open(path).convert("L")))
    width, height = max(s.width for _, s in strips), strips[0][1].height
    top = int(0.3 * height)  # the joint and the values under the pictures
    sheet = Image.new("L", (width, len(strips) * (height - top + LABEL_PX)), 0); draw = ImageDraw.Draw(sheet)
    for row, (name, strip) in enumerate(strips):
        y = row * (height - top + LABEL_PX)
        draw.text((6, y + 5), name, fill=255)
        sheet.paste(strip.crop((0, top, strip.width, height)), (0, y + LABEL_PX))
    sheet.save(os.path.join(options.out, "dials.png"), optimize=True)


def draw_stages(options, folder):
    pictures = []
    for i, (name, less) in enumerate(STAGES):
        path = os.path.join(folder, f"stage_{i}.png")
        settings = [f"--set={KEYS[k]}={v}" for k, v in less.items()]
        genu(options, *EXPOSURE, *settings, "--sweep", "tilt_deg=1:2:2", "--knee", "3:5", "--out", path)
        strip = Image.open(path).convert("L")
        pictures.append((name, strip.crop((0, 0, strip.width // 2, strip.height - LABEL_PX))))
    width, height = pictures[0][1].size
    sheet = Image.new("L", (len(pictures) * width, height + LABEL_PX), 0); draw = ImageDraw.Draw(sheet)
    for i, (name, picture) in enumerate(pictures):
        sheet.paste(picture, (i * width, LABEL_PX)); draw.text((i * width + 6, 5), name, fill=255)
    sheet.save(os.path.join(options.out, "stages.png"), optimize=True)


def draw_sheet(options, folder, each=6, side=224):
    out = os.path.join(folder, "set")
    genu(options, *(f"--set=splits.{s}_per_grade={n}" for s, n in (("train", each), ("test", 0), ("sample", 0))), "--set=seed=5", "--out", out)
    with open(os.path.join(out, "manifest.csv"), newline="") as f: rows = list(csv.DictReader(f))
    rng = random.Random(5); sheet = Image.new("L", (each * side, 10 * side))
    for grade in range(5):
        real = rng.sample(sorted(glob.glob(os.path.join(options.real, str(grade), "*.png"))), each)
        synthetic = [os.path.join(out, r["path"]) for r in rows if int(r["kl"]) == grade]
        for line, paths in enumerate((real, synthetic)):
            for i, path in enumerate(paths):
                sheet.paste(Image.open(path).convert("L").resize((side, side)), (i * side, (2 * grade + line) * side))
    sheet.save(options.sheet)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--genu", default="build/release/genu"); p.add_argument("--out", default="docs/images")
    p.add_argument("--real"); p.add_argument("--sheet")
    options = p.parse_args()
    if bool(options.real) != bool(options.sheet): p.error("--real and --sheet go together")
    with tempfile.TemporaryDirectory() as folder:
        draw_dials(options, folder); draw_stages(options, folder)
        if options.real: draw_sheet(options, folder)


main()
