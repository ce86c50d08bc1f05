// Bilateral films: films/, reading_table.txt, knees.csv, README.md, contact_sheet.png.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/png.h"
#include "core/run_record.h"
#include "generator/dataset/contact_sheet.h"
#include "generator/dataset/dataset_job.h"
#include "generator/dataset/film.h"

namespace genu::generator {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunkFilms = 8;
constexpr int kSheetFilms = 4;
enum Text : std::size_t { kKnees = 0, kReadings = 1 };

const char* const kReadingHeader =
    "ID|SIDE|READPRJ|V00XRKL|V00XRJSM|V00XRJSL|V00XROSFM|V00XROSFL|V00XROSTM|V00XROSTL|V00XRSCTM|V00XRSCTL|V00XRSCFM|"
    "V00XRSCFL|V00XRATTM|V00XRATTL\n";

// One row of the study's table: '|' between fields, SIDE 1 right and 2 left, nothing for a missing reading.
std::string reading_row(const FilmSample& film, const FilmReading& reading) {
  const KneeSample& knee = film.knees[reading.side == KneeSide::kRight ? 0 : 1];
  const KneeFeatures& f = knee.features;
  const auto attrition = [&](Compartment side) { return f.attrition_compartment == side ? f.attrition_grade : 0; };
  return fmt::format(
      "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}\n", film.subject, reading.side == KneeSide::kRight ? 1 : 2,
      reading.project, reading.kl_missing ? std::string() : fmt::format("{}", reading.kl.value()), f.medial.jsn,
      f.lateral.jsn, f.osteophytes[0].oarsi_grade, f.osteophytes[1].oarsi_grade, f.osteophytes[2].oarsi_grade,
      f.osteophytes[3].oarsi_grade, f.medial.sclerosis, f.lateral.sclerosis, f.medial.sclerosis, f.lateral.sclerosis,
      attrition(Compartment::kMedial), attrition(Compartment::kLateral));
}

std::vector<std::string> knee_columns() {
  return {"film",
          "subject",
          "side",
          "kl",
          "kl_read",
          "box_left_px",
          "box_top_px",
          "box_width_px",
          "box_height_px",
          "joint_line_row_px",
          "femur_width_px",
          "pixel_spacing_mm",
          "magnification",
          "jsw_medial_mm",
          "jsw_lateral_mm",
          "jsn_medial",
          "jsn_lateral",
          "osteophyte_fm",
          "osteophyte_fl",
          "osteophyte_tm",
          "osteophyte_tl",
          "sclerosis_medial",
          "sclerosis_lateral",
          "cyst_count",
          "attrition_grade",
          "hka_deg",
          "tilt_deg",
          "sex",
          "age_years",
          "photometric",
          "compression",
          "film_sha256"};
}

std::string name_of(Photometric photometric) {
  return photometric == Photometric::kMonochrome1 ? "MONOCHROME1" : "MONOCHROME2";
}

std::string name_of(DicomCompression compression) {
  return compression == DicomCompression::kJpegLossless ? "jpeg_lossless"
         : compression == DicomCompression::kRle        ? "rle"
                                                        : "none";
}

class FilmJob : public DatasetJob {
 public:
  explicit FilmJob(const GenerateConfig& config) : config_(config) {}

  WorkIdentity identity() const override {
    return {to_yaml(config_), static_cast<std::size_t>(config_.film.subjects), kChunkFilms};
  }
  std::string unit() const override { return "films"; }
  std::vector<std::string> own_entries() const override {
    return {"dataset.yaml", "knees.csv", "reading_table.txt", "README.md", "contact_sheet.png", "films"};
  }

  void check() const override {
    check_config(config_);
    if (config_.mode == Mode::kSeedCompat) throw ConfigError("mode: the pixel ladder has no films; set view to single");
    for (int index = 0; index < std::min(5, config_.film.subjects); ++index) sample_film(config_, index);
  }

  void prepare(int workers) override {
    resources_ = std::make_unique<FilmResources>(config_);
    workspaces_.clear();
    for (int i = 0; i < workers; ++i) workspaces_.push_back(std::make_unique<FilmWorkspace>(config_));
  }

  SampleOutput make(std::size_t position, std::size_t worker) override {
    const FilmSample film = sample_film(config_, static_cast<int>(position));
    const Image<float> grey = render_film(config_, film, *resources_, *workspaces_[worker]);
    SampleOutput output;
    output.files.push_back({path_of(film), dicom() ? as_dicom(film, grey) : as_png(grey)});
    const std::string sha256_hex = to_hex(sha256(std::as_bytes(std::span(output.files.back().bytes))));
    std::string knees, readings;
    for (std::size_t k = 0; k < 2; ++k) knees += csv_line(knee_row(film, k, sha256_hex));
    for (const FilmReading& reading : film.readings) readings += reading_row(film, reading);
    output.texts = {knees, readings};
    return output;
  }

  std::string write_documents(const ProgressFolder& progress) override {
    const fs::path& out = progress.dataset();
    const std::string sha256_hex = write_table(progress, out / "knees.csv", csv_line(knee_columns()), kKnees);
    write_table(progress, out / "reading_table.txt", kReadingHeader, kReadings);
    write_file_atomically(out / "README.md", card(), Durability::kBatch);
    write_sheet(out);
    return fmt::format("view: bilateral\nseed: {}\nfilms: {}\nimages: {}\nmanifest_sha256: {}  # of knees.csv\n",
                       config_.seed, config_.film.subjects, config_.film.subjects, sha256_hex);
  }

 private:
  bool dicom() const { return config_.format == FileFormat::kDicom; }
  int bits() const { return config_.bit_depth; }

  std::string path_of(const FilmSample& film) const {
    return fmt::format("films/{}.{}", film.subject, dicom() ? "dcm" : "png");
  }

  std::vector<std::uint8_t> as_dicom(const FilmSample& film, const Image<float>& grey) const {
    const float top = static_cast<float>((1 << bits()) - 1);
    std::vector<std::uint16_t> values(grey.pixels.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(grey.pixels[i] * top + 0.5f);
    const KneeAnatomy& person = film.knees[0].anatomy;
    DicomFacts facts;
    facts.seed = config_.seed;
    facts.image_id = film.subject;
    facts.patient_id = film.subject;
    facts.sex = person.sex == Sex::kFemale ? "F" : "M";
    facts.age_years = static_cast<int>(person.age_years);
    facts.laterality = "B";
    facts.detector_spacing_mm = config_.film.pixel_spacing_mm;
    facts.magnification = config_.film.magnification;
    facts.tube_voltage_kvp = film.exposure.tube_voltage_kvp;
    facts.bits_stored = bits();
    facts.photometric = film.photometric;
    facts.compression = film.compression;
    facts.comment = "Synthetic bilateral knee film by genu; not a patient, not for diagnosis";
    return encode_dicom(values, grey.width_px, grey.height_px, facts);
  }

  std::vector<std::uint8_t> as_png(const Image<float>& grey) const {
    PngImage image{grey.width_px, grey.height_px, 1, bits(), {}};
    image.bytes.resize(grey.pixels.size() * static_cast<std::size_t>(bits() / 8));
    for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
      if (bits() == 8) {
        image.bytes[i] = static_cast<std::uint8_t>(grey.pixels[i] * 255.0f + 0.5f);
      } else {
        const auto value = static_cast<std::uint16_t>(grey.pixels[i] * 65535.0f + 0.5f);
        std::memcpy(image.bytes.data() + 2 * i, &value, 2);
      }
    }
    return encode_png(image, 1);
  }

  std::vector<std::string> knee_row(const FilmSample& film, std::size_t k, const std::string& sha256_hex) const {
    const KneeSample& knee = film.knees[k];
    const KneeFeatures& f = knee.features;
    const KneeBox box = knee_box(film, k);
    const auto main = std::find_if(film.readings.begin(), film.readings.end(), [&](const FilmReading& reading) {
      return reading.side == knee.anatomy.side && reading.project == 15;
    });
    const auto px = [](double value) { return fmt::format("{:.2f}", value); };
    const auto mm = [](double value) { return fmt::format("{:.3f}", value); };
    const auto whole = [](auto value) { return fmt::format("{}", value); };
    return {path_of(film),
            film.subject,
            std::string(to_string(knee.anatomy.side)),
            whole(knee.kl.value()),
            main->kl_missing ? "" : whole(main->kl.value()),
            px(box.left_px),
            px(box.top_px),
            px(box.side_px),
            px(box.side_px),
            px(box.joint_line_row_px),
            px(box.femur_width_px),
            fmt::format("{:.5f}", config_.film.pixel_spacing_mm),
            fmt::format("{:.4f}", config_.film.magnification),
            mm(f.medial.jsw_mm),
            mm(f.lateral.jsw_mm),
            whole(f.medial.jsn),
            whole(f.lateral.jsn),
            whole(f.osteophytes[0].oarsi_grade),
            whole(f.osteophytes[1].oarsi_grade),
            whole(f.osteophytes[2].oarsi_grade),
            whole(f.osteophytes[3].oarsi_grade),
            whole(f.medial.sclerosis),
            whole(f.lateral.sclerosis),
            whole(f.cysts.size()),
            whole(f.attrition_grade),
            mm(knee.geometry.hka_deg),
            mm(knee.positioning.tilt_deg),
            knee.anatomy.sex == Sex::kFemale ? "F" : "M",
            fmt::format("{:.1f}", knee.anatomy.age_years),
            dicom() ? name_of(film.photometric) : "",
            dicom() ? name_of(film.compression) : "",
            sha256_hex};
  }

  std::string write_table(const ProgressFolder& progress, const fs::path& path, const std::string& header,
                          std::size_t text) const {
    AtomicFile file(path, Durability::kBatch);
    Sha256 hash;
    file.write(header);
    hash.update(header);
    for_each_sample(progress, identity(), [&](std::size_t, const SampleRecord& record) {
      file.write(record.texts.at(text));
      hash.update(record.texts.at(text));
    });
    file.commit();
    return to_hex(hash.finish());
  }

  // A few films, drawn anew: decoding DICOM is the pipeline's room.
  void write_sheet(const fs::path& out) const {
    FilmWorkspace work(config_);
    const int count = std::min(kSheetFilms, config_.film.subjects);
    Image<std::uint8_t> sheet;
    for (int index = 0; index < count; ++index) {
      const Image<float> grey = render_film(config_, sample_film(config_, index), *resources_, work);
      Image<std::uint8_t> bytes(grey.width_px, grey.height_px);
      for (std::size_t i = 0; i < bytes.pixels.size(); ++i) {
        bytes.pixels[i] = static_cast<std::uint8_t>(grey.pixels[i] * 255.0f + 0.5f);
      }
      const Image<std::uint8_t> small = shrunk(bytes, 640);
      if (index == 0) sheet.reset(2 * small.width_px, (count + 1) / 2 * small.height_px, 0);
      for (int y = 0; y < small.height_px; ++y) {
        std::copy(small.row(y), small.row(y) + small.width_px,
                  sheet.row(index / 2 * small.height_px + y) + index % 2 * small.width_px);
      }
    }
    const auto png = encode_png(PngImage{sheet.width_px, sheet.height_px, 1, 8, std::move(sheet.pixels)}, 6);
    write_file_atomically(out / "contact_sheet.png", std::as_bytes(std::span(png)), Durability::kBatch);
  }

  std::string card() const {
    const auto size = film_size_px(config_.film);
    return fmt::format(
        "# Synthetic bilateral knee films\n\n{} films of {} x {} px ({} mm a pixel at the detector), one a subject, "
        "drawn by genu "
        "{} from the config in\ndataset.yaml (seed {}). No patient, no real pixel. Postero-anterior fixed-flexion "
        "view; the left "
        "side of the picture is the patient's\nright knee.\n\n![Films](contact_sheet.png)\n\n* `films/SUBJECT.{}`\n* "
        "`reading_table.txt`: what the study's readers recorded, one row a knee and reader project (15 is the main "
        "one), empty "
        "where missing\n* `knees.csv`: the truth, one row a knee: grade by the rule, box of the knee, joint space, "
        "lesions\n\n"
        "Not for diagnosis.\n",
        config_.film.subjects, size[0], size[1], config_.film.pixel_spacing_mm, version(), config_.seed,
        dicom() ? "dcm" : "png");
  }

  const GenerateConfig config_;
  std::unique_ptr<FilmResources> resources_;
  std::vector<std::unique_ptr<FilmWorkspace>> workspaces_;
};

}  // namespace

std::unique_ptr<DatasetJob> make_film_job(const GenerateConfig& config) { return std::make_unique<FilmJob>(config); }

}  // namespace genu::generator
