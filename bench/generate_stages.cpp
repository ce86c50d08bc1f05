// Where the time of one generated knee goes: CPU microseconds a stage, one thread, as a Markdown table.
//
//   build/release/generate_stages [SIZE_PX [KNEES [ROUNDS]]]
//
// Every round times each stage over the same knees, the least round counts: what another program takes from the
// machine lengthens some rounds, not all.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "core/csv.h"
#include "core/hash.h"
#include "core/png.h"
#include "generator/dataset/coco.h"
#include "generator/dataset/knee_sample.h"
#include "generator/dataset/manifest.h"
#include "generator/truth/label_map.h"

namespace genu::generator {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Stage {
  std::string name;
  std::function<void(const KneeSample&)> run;
  double round_s = 0;
  double least_s = 1e9;
};

// Results that nobody reads would be optimised away.
volatile std::size_t g_sink = 0;

class StageTimes {
 public:
  StageTimes(int size_px, int knees) : work_(size_px) {
    config_.image_size_px = size_px;
    resources_ = std::make_unique<RenderResources>(config_);
    for (int i = 0; i < knees; ++i) plans_.push_back(planned_sample(Split::kTrain, KlGrade(i % kKlGradeCount), i));
    list_stages();
  }

  void round() {
    for (Stage& stage : stages_) stage.round_s = 0;
    for (const PlannedSample& plan : plans_) {
      const double begin = cpu_seconds();
      const KneeSample sample = sample_knee(config_, plan);
      double last = cpu_seconds();
      stages_.front().round_s += last - begin;
      for (std::size_t i = 1; i < stages_.size(); ++i) {
        stages_[i].run(sample);
        const double now = cpu_seconds();
        stages_[i].round_s += now - last;
        last = now;
      }
    }
    for (Stage& stage : stages_) stage.least_s = std::min(stage.least_s, stage.round_s);
  }

  void print() const {
    double total = 0;
    for (const Stage& stage : stages_) total += stage.least_s;
    const double per_knee = 1e6 / static_cast<double>(plans_.size());
    fmt::print("| stage, {0} x {0} px | microseconds a knee | share |\n|---|---|---|\n", config_.image_size_px);
    for (const Stage& stage : stages_) {
      fmt::print("| {} | {:.0f} | {:.1f} % |\n", stage.name, stage.least_s * per_knee, 100 * stage.least_s / total);
    }
    fmt::print("| all | {:.0f} | |\n", total * per_knee);
  }

 private:
  void add(const std::string& name, std::function<void(const KneeSample&)> run) {
    stages_.push_back({name, std::move(run)});
  }

  void list_stages() {
    add("sample anatomy, disease and geometry", {});
    add("project and expose the reference", [this](const KneeSample& s) {
      const int cell_px = reference_cell_px(s.frame.width_px);
      const ImageFrame coarse = coarsened(s.frame, cell_px);
      project_reference({s.anatomy, s.geometry, coarse, resources_->textures, config_.trabecular.look},
                        work_.reference_projection, work_.reference_maps);
      expose_reference(work_.reference_maps, s.exposure, resources_->attenuation.at(s.exposure.tube_voltage_kvp),
                       cell_px, coarse.pixel_spacing_mm, work_.reference);
    });
    add("project: path lengths of bones, lesions, lines", [this](const KneeSample& s) {
      RandomStream texture(config_.seed, s.plan.number, "texture");
      project_knee({s.anatomy, s.geometry, s.frame, resources_->textures, config_.trabecular.look}, texture,
                   work_.projection, work_.maps);
    });
    add("detector: attenuation, scatter, blur, noise", [this](const KneeSample& s) {
      RandomStream noise(config_.seed, s.plan.number, "noise");
      expose(work_.maps, s.frame.pixel_spacing_mm, s.exposure, resources_->attenuation.at(s.exposure.tube_voltage_kvp),
             work_.reference, resources_->textures, noise, work_.detector, work_.log_signal);
    });
    add("display: enhancement, look-up", [this](const KneeSample& s) {
      develop(work_.log_signal, tone_curve(work_.reference.log_signal, s.look), s.look, s.frame.pixel_spacing_mm,
              work_.display, work_.grey);
      picture_ = to_bytes(work_.grey);
    });
    add("label map", [this](const KneeSample& s) {
      draw_label_map(s.geometry, s.frame, work_.maps, work_.projection, work_.projection.lines, labels_);
    });
    add("picture to PNG", [this](const KneeSample&) {
      picture_png_ = encode_png(PngImage{picture_.width_px, picture_.height_px, 1, 8, picture_.pixels}, 1);
    });
    add("label map to PNG", [this](const KneeSample&) {
      mask_png_ =
          encode_png(PngImage{labels_.width_px, labels_.height_px, 1, 8, labels_.pixels}, 1, PngContent::kLabels);
    });
    add("SHA-256 of both files", [this](const KneeSample&) {
      paths_.image_sha256 = to_hex(sha256(std::as_bytes(std::span(picture_png_))));
      paths_.mask_sha256 = to_hex(sha256(std::as_bytes(std::span(mask_png_))));
    });
    add("manifest row and COCO", [this](const KneeSample& s) {
      g_sink = g_sink + csv_line(manifest_row(config_, s, paths_)).size() + coco_image(s, 0, "images").size() +
               coco_annotations(s, 0).size();
    });
  }

  GenerateConfig config_;
  std::unique_ptr<RenderResources> resources_;
  RenderWorkspace work_;
  std::vector<PlannedSample> plans_;
  std::vector<Stage> stages_;
  Image<std::uint8_t> picture_, labels_;
  std::vector<std::uint8_t> picture_png_, mask_png_;
  SamplePaths paths_;
};

}  // namespace
}  // namespace genu::generator

int main(int argc, char** argv) {
  const int size_px = argc > 1 ? std::atoi(argv[1]) : 224;
  const int knees = argc > 2 ? std::atoi(argv[2]) : 50;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 10;
  if (!(size_px >= 64 && knees >= 1 && rounds >= 1)) {
    fmt::print(stderr, "usage: generate_stages [SIZE_PX [KNEES [ROUNDS]]]\n");
    return 2;
  }
  genu::generator::StageTimes times(size_px, knees);
  for (int i = 0; i < rounds; ++i) times.round();
  times.print();
  return 0;
}
