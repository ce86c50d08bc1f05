#!/usr/bin/env python3
"""The worst errors of a report as a contact sheet with Grad-CAM: farthest grade first, then the surest. Real pixels: keep the
sheet out of what you publish unless their licence allows it. Needs python3-pil.

  scripts/experiments/worst_errors.py REPORT/predictions.csv --real DIR --out FOLDER [--checkpoint DIR] [--count 40]

DIR: split/grade/SUBJECTSIDE.png with a val part. FOLDER gets worst.csv and sheet.png."""
import argparse
import csv
import pathlib
import subprocess
import tempfile

GENU = pathlib.Path(__file__).resolve().parents[2] / "build/release/genu"
CELL = 168


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("predictions", type=pathlib.Path)
    options.add_argument("--real", type=pathlib.Path, required=True)
    options.add_argument("--out", type=pathlib.Path, required=True)
    options.add_argument("--checkpoint")
    options.add_argument("--count", type=int, default=40)
    options.add_argument("--threads", default="0")
    options = options.parse_args()
    with open(options.predictions, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kl"] != row["predicted"]]
    rows.sort(key=lambda row: (-abs(int(row["kl"]) - int(row["predicted"])), -float(row["p" + row["predicted"]])))
    rows = rows[: options.count]
    if not rows:
        raise SystemExit(f"{options.predictions}: no error in it")
    files = [options.real / "val" / row["kl"] / (row["sample_id"] + ".png") for row in rows]
    missing = [file for file in files if not file.exists()]
    if missing:
        raise SystemExit(f"{missing[0]}: no such film; --real wants the folder that was packed")
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "worst.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    from PIL import Image, ImageDraw
    sheet = Image.new("RGB", (8 * CELL, (len(rows) + 7) // 8 * (CELL + 14)))
    draw = ImageDraw.Draw(sheet)
    with tempfile.TemporaryDirectory() as scratch:
        command = [GENU, "explain", "--quiet", "--threads", options.threads, "--grade-anyway", "--out", f"{scratch}/explained", *files]
        if options.checkpoint:
            command[2:2] = ["--checkpoint", options.checkpoint]
        subprocess.run(command, check=True)
        for index, row in enumerate(rows):
            overlay = next(pathlib.Path(scratch, "explained/overlays").glob(f"*{row['sample_id']}*"))
            left, top = index % 8 * CELL, index // 8 * (CELL + 14)
            sheet.paste(Image.open(overlay).convert("RGB").resize((CELL - 2, CELL - 2)), (left, top))
            draw.text((left + 2, top + CELL), f"read {row['kl']}, taken for {row['predicted']} ({float(row['p' + row['predicted']]):.2f})",
                      fill=(255, 255, 255))
    sheet.save(options.out / "sheet.png")
    print(f"{len(rows)} errors in {options.out}/sheet.png")


if __name__ == "__main__":
    main()
