// Which process of a job this is, as its launcher says in the environment.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace genu::train {

struct Launch {
  std::string launcher;  // "torchrun", "srun", "mpirun"; "" for a process on its own
  int rank = 0;          // 0 .. world_size - 1
  int world_size = 1;
  int local_rank = 0;  // among those of this machine: which GPU
  int local_size = 1;  // how many share this machine's processors
  std::string master_host = "127.0.0.1";
  int master_port = 29500;
  int restarts = 0;  // how often torchrun has started all ranks again
  // torchrun's own process serves the store where the ranks meet; else rank 0 does.
  enum class Store { kServedByRankZero, kServedByLauncher } store = Store::kServedByRankZero;

  bool is_alone() const { return world_size == 1; }
  bool leads() const { return rank == 0; }
  bool operator==(const Launch&) const = default;
};

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Reads, in this order:
//   torchrun  RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE
//   mpirun    OMPI_COMM_WORLD_RANK ... (Open MPI), PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS (MPICH, Intel)
//   srun      SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID; not SLURM_NTASKS, which a batch script without srun
//             has, too
// and MASTER_ADDR, MASTER_PORT; without them this machine (mpirun) or the first of SLURM_STEP_NODELIST, and port 29500
// or, under Slurm, one that the job's number chooses; and TORCHELASTIC_RESTART_COUNT. Throws UsageError, naming the
// variable, on what is no number or does not fit.
Launch read_launch(const Environment& environment);
// Of this process.
Launch read_launch();

// "node[03-05,07],login1" -> "node03".
std::string first_host(const std::string& slurm_node_list);

}  // namespace genu::train
