// What a dataset consists of, apart from how it gets to the disk: one implementation for single knees, one for films.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "generator/dataset/chunked_run.h"
#include "generator/dataset/generate_config.h"

namespace genu::generator {

class DatasetJob {
 public:
  virtual ~DatasetJob() = default;

  // Number of samples and what decides their bytes.
  virtual WorkIdentity identity() const = 0;
  // "images" or "films": what the progress bar counts.
  virtual std::string unit() const = 0;
  // Entries of the dataset folder that a run may write, and that --force may therefore remove. dataset.yaml first.
  virtual std::vector<std::string> own_entries() const = 0;
  // Throws ConfigError if the config cannot make what it asks for. Touches no disk.
  virtual void check() const = 0;
  // A pure function of config and position. Calls with different `worker` may run at once.
  virtual SampleOutput make(std::size_t position, std::size_t worker) = 0;
  // Writes every document but dataset.yaml from the journal; returns what dataset.yaml says of them.
  virtual std::string write_documents(const ProgressFolder& progress) = 0;
  // Called once, with the number of workers, before the first make().
  virtual void prepare(int workers) = 0;
};

// One knee a picture.
std::unique_ptr<DatasetJob> make_knee_job(const GenerateConfig& config);
// Both knees of a person on one film.
std::unique_ptr<DatasetJob> make_film_job(const GenerateConfig& config);

}  // namespace genu::generator
