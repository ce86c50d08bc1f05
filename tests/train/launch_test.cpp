#include "train/distributed/launch.h"

#include <gtest/gtest.h>

#include <map>

#include "core/errors.h"

namespace genu::train {
namespace {

Launch launch_of(const std::map<std::string, std::string>& variables) {
  return read_launch([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Launch, AloneWithoutALauncher) {
  EXPECT_EQ(launch_of({}), Launch{});
  EXPECT_TRUE(launch_of({{"RANK", "0"}, {"WORLD_SIZE", "1"}}).is_alone());
  // A batch script of Slurm without srun.
  EXPECT_TRUE(launch_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_JOB_NODELIST", "n[1-8]"}}).is_alone());
}

TEST(Launch, ReadsTorchrun) {
  const Launch launch = launch_of({{"RANK", "3"},
                                   {"WORLD_SIZE", "4"},
                                   {"LOCAL_RANK", "1"},
                                   {"LOCAL_WORLD_SIZE", "2"},
                                   {"MASTER_ADDR", "node7"},
                                   {"MASTER_PORT", "1234"},
                                   {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                   {"TORCHELASTIC_RESTART_COUNT", "2"}});
  const Launch wanted{.launcher = "torchrun",
                      .rank = 3,
                      .world_size = 4,
                      .local_rank = 1,
                      .local_size = 2,
                      .master_host = "node7",
                      .master_port = 1234,
                      .restarts = 2,
                      .store = Launch::Store::kServedByLauncher};
  EXPECT_EQ(launch, wanted);
}

TEST(Launch, ReadsMpirun) {
  const Launch open_mpi = launch_of({{"OMPI_COMM_WORLD_RANK", "1"},
                                     {"OMPI_COMM_WORLD_SIZE", "2"},
                                     {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                     {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                                     {"MASTER_ADDR", "10.0.0.1"}});
  EXPECT_EQ(open_mpi.launcher, "mpirun");
  EXPECT_EQ(open_mpi.rank, 1);
  EXPECT_EQ(open_mpi.local_size, 2);
  EXPECT_EQ(open_mpi.master_host, "10.0.0.1");
  EXPECT_EQ(open_mpi.master_port, 29500);
  EXPECT_EQ(launch_of({{"PMI_RANK", "2"}, {"PMI_SIZE", "3"}}).rank, 2);
}

TEST(Launch, ReadsSrun) {
  const Launch launch = launch_of({{"SLURM_PROCID", "5"},
                                   {"SLURM_STEP_NUM_TASKS", "8"},
                                   {"SLURM_LOCALID", "1"},
                                   {"SLURM_STEP_TASKS_PER_NODE", "4(x2)"},
                                   {"SLURM_STEP_NODELIST", "gpu[003-004]"},
                                   {"SLURM_JOB_ID", "123456"}});
  EXPECT_EQ(launch.launcher, "srun");
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.world_size, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.local_size, 4);
  EXPECT_EQ(launch.master_host, "gpu003");
  EXPECT_EQ(launch.master_port, 20000 + 123456 % 12000);
}

TEST(Launch, TheFirstHostOfASlurmList) {
  EXPECT_EQ(first_host("login1"), "login1");
  EXPECT_EQ(first_host("login1,node[2-3]"), "login1");
  EXPECT_EQ(first_host("node[03-05,07],login1"), "node03");
  EXPECT_EQ(first_host("node[7,9]"), "node7");
  EXPECT_EQ(first_host("rack[2-3]-ib,x"), "rack2-ib");
}

TEST(Launch, WhatDoesNotFitIsNamed) {
  EXPECT_THROW(launch_of({{"RANK", "0"}}), UsageError);
  EXPECT_THROW(launch_of({{"RANK", "two"}, {"WORLD_SIZE", "2"}}), UsageError);
  EXPECT_THROW(launch_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), UsageError);
  EXPECT_THROW(launch_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}), UsageError);
}

}  // namespace
}  // namespace genu::train
