#include "train/distributed/launch.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "core/errors.h"

namespace genu::train {

namespace {

class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  std::optional<std::string> text(const std::string& name) const { return environment_(name); }

  std::optional<int> number(const std::string& name, int low, int high) const {
    const auto found = environment_(name);
    if (!found) return std::nullopt;
    int value = 0;
    const auto [stop, error] = std::from_chars(found->data(), found->data() + found->size(), value);
    if (error != std::errc() || stop != found->data() + found->size() || !(value >= low && value <= high)) {
      throw UsageError(fmt::format(
          "environment: {}={}: must be a whole number in {} .. {}; start genu with torchrun, srun or mpirun", name,
          *found, low, high));
    }
    return value;
  }

  int required(const std::string& name, const std::string& because, int low, int high) const {
    const auto value = number(name, low, high);
    if (!value)
      throw UsageError(fmt::format("environment: {} is set, but {} is not; set both or neither", because, name));
    return *value;
  }

 private:
  const Environment& environment_;
};

constexpr int kMostRanks = 65536;

// Names of one launcher's variables.
struct Variables {
  std::string launcher;
  std::string rank, world_size, local_rank, local_size;
};

std::optional<Launch> read(const Reader& reader, const Variables& names) {
  const auto rank = reader.number(names.rank, 0, kMostRanks - 1);
  if (!rank) return std::nullopt;
  Launch launch;
  launch.launcher = names.launcher;
  launch.world_size = reader.required(names.world_size, names.rank, 1, kMostRanks);
  launch.rank = *rank;
  if (launch.rank >= launch.world_size) {
    throw UsageError(fmt::format("environment: {}={} is not below {}={}", names.rank, launch.rank, names.world_size,
                                 launch.world_size));
  }
  launch.local_rank = reader.number(names.local_rank, 0, kMostRanks - 1).value_or(0);
  launch.local_size = reader.number(names.local_size, 1, kMostRanks).value_or(1);
  return launch;
}

std::optional<Launch> read_slurm(const Reader& reader) {
  // Only a step of srun has it: a batch script on its own is one process, however many tasks were asked for.
  if (!reader.text("SLURM_STEP_NUM_TASKS")) return std::nullopt;
  auto launch = read(reader, {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", ""});
  if (!launch) return std::nullopt;
  // "4", "2(x3)", "3,2": the first machine's, which is that of every machine where tasks are spread evenly.
  if (const auto tasks = reader.text("SLURM_STEP_TASKS_PER_NODE")) {
    launch->local_size = std::max(1, std::atoi(tasks->c_str()));
  }
  if (const auto nodes = reader.text("SLURM_STEP_NODELIST")) launch->master_host = first_host(*nodes);
  // Below the ports that Linux gives away by itself; jobs on one machine differ.
  const int job = reader.number("SLURM_JOB_ID", 0, 2147483647).value_or(0);
  launch->master_port = 20000 + job % 12000;
  return launch;
}

}  // namespace

std::string first_host(const std::string& list) {
  const std::size_t bracket = list.find('['), comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  const std::size_t end = list.find_first_of("-,]", bracket + 1);
  const std::size_t close = list.find(']', bracket);
  const std::size_t next = list.find(',', close);
  const std::string suffix =
      close == std::string::npos ? "" : list.substr(close + 1, next == std::string::npos ? next : next - close - 1);
  return list.substr(0, bracket) + list.substr(bracket + 1, end - bracket - 1) + suffix;
}

Launch read_launch(const Environment& environment) {
  const Reader reader(environment);
  auto launch = read(reader, {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"});
  if (!launch) {
    launch = read(reader, {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                           "OMPI_COMM_WORLD_LOCAL_SIZE"});
  }
  if (!launch) launch = read_slurm(reader);
  if (!launch) launch = read(reader, {"mpirun", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"});
  if (!launch || launch->is_alone()) launch = Launch{};
  launch->restarts = reader.number("TORCHELASTIC_RESTART_COUNT", 0, 1 << 30).value_or(0);
  if (launch->is_alone()) return *launch;
  if (const auto host = reader.text("MASTER_ADDR")) launch->master_host = *host;
  launch->master_port = reader.number("MASTER_PORT", 1, 65535).value_or(launch->master_port);
  const auto served = reader.text("TORCHELASTIC_USE_AGENT_STORE");
  if (served && *served == "True") launch->store = Launch::Store::kServedByLauncher;
  return *launch;
}

Launch read_launch() {
  return read_launch([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

}  // namespace genu::train
