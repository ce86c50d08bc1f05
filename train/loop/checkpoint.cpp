#include "train/loop/checkpoint.h"

#include <fmt/format.h>

#include <charconv>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "train/models/layout.h"

namespace genu::train {

namespace {

const std::vector<std::string> kColumns = {"epoch",
                                           "phase",
                                           "steps",
                                           "learning_rate",
                                           "train_loss",
                                           "val_accuracy",
                                           "val_balanced_accuracy",
                                           "val_quadratic_kappa",
                                           "val_mae",
                                           "val_log_loss"};

template <class T>
T parse_number(const std::string& text, const std::string& place) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) {
    throw DataError(fmt::format("{}: '{}' is not a number; the checkpoint is damaged", place, text));
  }
  return value;
}

std::map<std::string, std::string> cursor_metadata(const Cursor& cursor) {
  std::map<std::string, std::string> out = {{"epoch", fmt::format("{}", cursor.epoch)},
                                            {"step_in_epoch", fmt::format("{}", cursor.step_in_epoch)},
                                            {"steps", fmt::format("{}", cursor.steps)},
                                            {"phase", fmt::format("{}", cursor.phase)},
                                            {"phase_epoch", fmt::format("{}", cursor.phase_epoch)},
                                            {"phase_steps", fmt::format("{}", cursor.phase_steps)},
                                            {"loss_sum", fmt::format("{}", cursor.loss_sum)},
                                            {"best_epoch", fmt::format("{}", cursor.best_epoch)}};
  if (cursor.ranks > 1) out["ranks"] = fmt::format("{}", cursor.ranks);
  if (cursor.best_score) out["best_score"] = fmt::format("{}", *cursor.best_score);
  return out;
}

Cursor parse_cursor(const Safetensors& file) {
  const auto count = [&](const std::string& key) {
    return parse_number<std::uint64_t>(file.metadata_value(key), file.name() + ": " + key);
  };
  Cursor cursor{.epoch = count("epoch"),
                .step_in_epoch = count("step_in_epoch"),
                .steps = count("steps"),
                .phase = count("phase"),
                .phase_epoch = count("phase_epoch"),
                .phase_steps = count("phase_steps"),
                .loss_sum = parse_number<double>(file.metadata_value("loss_sum"), file.name() + ": loss_sum"),
                .best_score = std::nullopt,
                .best_epoch = count("best_epoch"),
                .ranks = 1};
  if (file.metadata().contains("ranks")) cursor.ranks = count("ranks");
  if (file.metadata().contains("best_score")) {
    cursor.best_score = parse_number<double>(file.metadata_value("best_score"), file.name() + ": best_score");
  }
  return cursor;
}

template <class Config>
Config read_stored(const std::filesystem::path& file) {
  try {
    return load_config<Config>(file, {});
  } catch (const ConfigError& error) {
    throw DataError(fmt::format("{} (a checkpoint's file: restore it, or train again)", error.what()));
  }
}

}  // namespace

double validation_score(const EpochRow::Validation& validation, ScoreChoice choice) {
  switch (choice) {
    case ScoreChoice::kAccuracy:
      return validation.accuracy;
    case ScoreChoice::kBalancedAccuracy:
      return validation.balanced_accuracy;
    case ScoreChoice::kMeanAbsoluteError:
      return -validation.mean_absolute_error;
    case ScoreChoice::kLogLoss:
      return -validation.log_loss;
    case ScoreChoice::kQuadraticKappa:
      break;
  }
  return validation.quadratic_kappa;
}

std::string epoch_rows_csv(const std::vector<EpochRow>& rows) {
  std::string text = csv_line(kColumns);
  for (const EpochRow& row : rows) {
    std::vector<std::string> cells = {fmt::format("{}", row.epoch), fmt::format("{}", row.phase),
                                      fmt::format("{}", row.steps), fmt::format("{}", row.learning_rate),
                                      fmt::format("{}", row.train_loss)};
    const auto add = [&](double EpochRow::Validation::*member) {
      cells.push_back(row.validation ? fmt::format("{}", (*row.validation).*member) : "");
    };
    add(&EpochRow::Validation::accuracy);
    add(&EpochRow::Validation::balanced_accuracy);
    add(&EpochRow::Validation::quadratic_kappa);
    add(&EpochRow::Validation::mean_absolute_error);
    add(&EpochRow::Validation::log_loss);
    text += csv_line(cells);
  }
  return text;
}

std::vector<EpochRow> parse_epoch_rows(const std::string& text, const std::string& origin) {
  const CsvTable table = CsvTable::parse(text, origin);
  std::vector<EpochRow> rows;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto cell = [&](const std::string& name) { return table.cell(i, table.column(name)); };
    const auto number = [&](const std::string& name) { return parse_number<double>(cell(name), table.place(i)); };
    EpochRow row{.epoch = parse_number<std::uint64_t>(cell("epoch"), table.place(i)),
                 .phase = parse_number<std::uint64_t>(cell("phase"), table.place(i)),
                 .steps = parse_number<std::uint64_t>(cell("steps"), table.place(i)),
                 .learning_rate = number("learning_rate"),
                 .train_loss = number("train_loss"),
                 .validation = std::nullopt};
    if (!cell("val_accuracy").empty()) {
      row.validation = EpochRow::Validation{.accuracy = number("val_accuracy"),
                                            .balanced_accuracy = number("val_balanced_accuracy"),
                                            .quadratic_kappa = number("val_quadratic_kappa"),
                                            .mean_absolute_error = number("val_mae"),
                                            .log_loss = number("val_log_loss")};
    }
    rows.push_back(row);
  }
  return rows;
}

void write_checkpoint(const std::filesystem::path& folder, const CheckpointParts& parts) {
  write_safetensors(folder / "model.safetensors", parts.weights, {{"format", "pt"}});
  write_safetensors(folder / "state.safetensors", parts.state.tensors, cursor_metadata(parts.state.cursor));
  write_file_atomically(folder / "grader.yaml", to_yaml(parts.grader));
  write_file_atomically(folder / "train.yaml", to_yaml(parts.config));
  write_file_atomically(folder / "metrics.csv", epoch_rows_csv(parts.state.rows));
}

TrainConfig read_checkpoint_config(const std::filesystem::path& folder) {
  return read_stored<TrainConfig>(folder / "train.yaml");
}

GraderConfig read_grader_config(const std::filesystem::path& folder) {
  const auto file = folder / "grader.yaml";
  const auto config = read_stored<GraderConfig>(file);
  if (config.size_px == 0) {
    throw DataError(file.string() + ": does not say at what size_px pictures are graded; restore it, or train again");
  }
  return config;
}

TrainingState read_training_state(const std::filesystem::path& folder) {
  const Safetensors file = Safetensors::read(folder / "state.safetensors");
  const auto rows_path = folder / "metrics.csv";
  return {parse_cursor(file), to_state_dict(file), parse_epoch_rows(read_text_file(rows_path), rows_path.string())};
}

std::shared_ptr<GraderModel> read_model(const std::filesystem::path& folder, const GraderConfig& grader) {
  std::shared_ptr<GraderModel> model = make_model(grader.model, grader.class_count);
  const auto path = folder / "model.safetensors";
  load_state_or_throw(*model, read_weights(path), {}, path.string());
  use_channels_last(*model);
  model->eval();
  return model;
}

}  // namespace genu::train
