// Several processes that train one model, started as a launcher would.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/csv.h"
#include "core/files.h"
#include "tests/e2e/run_genu.h"
#include "tests/temporary_folder.h"

#ifdef GENU_WITH_TRAIN

namespace genu {
namespace {

namespace fs = std::filesystem;

class RanksOfAJob : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    // With the default seed's pictures one ReLU lies within rounding of its corner: one process with two threads
    // instead of one then differs by 6e-5 in the second epoch, too.
    const ProgramRun generate = run_genu(
        "generate --quiet --set seed=7 --set splits.train_per_grade=8 --set splits.test_per_grade=3 --set "
        "splits.sample_per_grade=0 "
        "--out " +
        path("set"));
    ASSERT_EQ(generate.exit_code, 0) << generate.err;
    const ProgramRun shard = run_genu("shard --quiet --config configs/shard/synthetic.yaml --synthetic " + path("set") +
                                      " --out " + path("shards"));
    ASSERT_EQ(shard.exit_code, 0) << shard.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string path(const std::string& name) { return (folder_->path() / name).string(); }

  // A training command of 32 px, without dropout, which ranks draw differently.
  static std::string train(const std::string& name, int batch_size, const std::string& more = "") {
    return "train --quiet --threads 1 --set epochs=3 --set data.size_px=32 --set model.dropout=0 --set seed=3 "
           "--set optimiser.learning_rate=0.001 --set validation.split=test --set data.batch_size=" +
           std::to_string(batch_size) + " --shards " + path("shards") + " --out " + path(name) + " " + more;
  }
  // A free port: one that a socket got, and gave back.
  static std::string port() {
    return run_shell(
               "/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); "
               "print(s.getsockname()[1], end=\"\")'")
        .out;
  }
  struct Job {
    std::string zero;  // command of rank 0
    std::string one;
    std::string environment = "";
    std::string meanwhile = "";  // shell text, $zero and $one are the processes
  };
  // Two processes; what they said, then "rank 0: exit 0\nrank 1: exit 0\n".
  static ProgramRun run_job(const Job& job) {
    return run_shell("cd " GENU_SOURCE_DIR "; export MASTER_ADDR=127.0.0.1 MASTER_PORT=" + port() +
                     " WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 " + job.environment + "; RANK=1 LOCAL_RANK=1 " GENU_BINARY " " +
                     job.one + " & one=$!; RANK=0 LOCAL_RANK=0 " GENU_BINARY " " + job.zero + " & zero=$!; " +
                     job.meanwhile + " wait $zero; echo rank 0: exit $?; wait $one; echo rank 1: exit $?");
  }
  static ProgramRun two_ranks(const std::string& command) { return run_job({.zero = command, .one = command}); }
  static std::vector<double> losses(const std::string& name) {
    const CsvTable table = CsvTable::read(path(name + "/last/metrics.csv"));
    std::vector<double> out;
    for (std::size_t i = 0; i < table.size(); ++i) out.push_back(table.number(i, table.column("train_loss")));
    return out;
  }
  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> RanksOfAJob::folder_;

// Rounding is all that is left. Plain gradient descent, so that it does not grow.
TEST_F(RanksOfAJob, TwoGiveTheLossOfOneWithTheDoubledBatch) {
  const std::string network = "--set model.name=compact_resnet --set optimiser.kind=sgd ";
  for (const std::string norm : {"", "--set freeze.batch_norm=true"}) {
    SCOPED_TRACE(norm);
    const ProgramRun one = run_genu(train("one", 10, network + norm));
    ASSERT_EQ(one.exit_code, 0) << one.err;
    const ProgramRun two = two_ranks(train("two", 5, network + norm));
    EXPECT_NE(two.out.find("rank 0: exit 0\nrank 1: exit 0\n"), std::string::npos) << two.out << two.err;
    EXPECT_EQ(two.err, "");
    // Of what all ranks say, one line of results remains.
    EXPECT_EQ(std::count(two.out.begin(), two.out.end(), '\n'), 3) << two.out;
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
      EXPECT_NEAR(losses("one").at(epoch), losses("two").at(epoch), 2e-6) << "epoch " << epoch + 1;
    }
    if (norm.empty()) fs::rename(path("one"), path("reference"));
    fs::remove_all(path("one"));
    fs::remove_all(path("two"));
  }
  // Batch norm over each rank's own part is another training.
  two_ranks(train("apart", 5, network + "--set sync_batch_norm=false"));
  EXPECT_GT(std::abs(losses("apart").at(0) - losses("reference").at(0)), 1e-4);
}

// Batch norm apart, and a running mean of the weights: what was validated is what was saved.
TEST_F(RanksOfAJob, ValidateWhatTheySave) {
  two_ranks(train("mean", 5, "--set model.name=compact_resnet --set sync_batch_norm=false --set ema_decay=0.8"));
  const ProgramRun graded = run_genu("evaluate --quiet --bootstrap 0 --threads 1 --checkpoint " + path("mean/last") +
                                     " --shards " + path("shards") + " --split test --out " + path("mean_report"));
  ASSERT_EQ(graded.exit_code, 0) << graded.err;
  const CsvTable grades = CsvTable::read(path("mean_report/predictions.csv"));
  double log_loss = 0;
  for (std::size_t i = 0; i < grades.size(); ++i) {
    const auto own = grades.column("p" + grades.cell(i, grades.column("kl")));
    log_loss -= std::log(grades.number(i, own)) / static_cast<double>(grades.size());
  }
  const CsvTable rows = CsvTable::read(path("mean/last/metrics.csv"));
  EXPECT_NEAR(rows.number(rows.size() - 1, rows.column("val_log_loss")), log_loss, 1e-5);
}

TEST_F(RanksOfAJob, AKilledOneEndsTheJobAndTheJobGoesOn) {
  const std::string command =
      train("killed", 4, "--set model.name=compact_resnet --set checkpoint_every_steps=1 --set epochs=4");
  // Once rank 0 has saved a step, rank 1 is killed in mid-work.
  const ProgramRun run = run_job({.zero = command,
                                  .one = command,
                                  .meanwhile = "timeout 120 sh -c 'until [ -e " + path("killed") +
                                               "/last/model.safetensors ]; do :; done'; kill -9 $one;"});
  EXPECT_NE(run.out.find("rank 0: exit 4\nrank 1: exit 137\n"), std::string::npos) << run.out;
  EXPECT_NE(run.err.find("rank 1 of 2 is lost"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("--resume"), std::string::npos) << run.err;
  EXPECT_EQ(run_genu("inspect " + path("killed/last")).exit_code, 0);

  const ProgramRun again = two_ranks(command + " --resume");
  EXPECT_NE(again.out.find("rank 0: exit 0\nrank 1: exit 0\n"), std::string::npos) << again.out << again.err;
  const ProgramRun whole =
      two_ranks(train("whole", 4, "--set model.name=compact_resnet --set checkpoint_every_steps=1 --set epochs=4"));
  EXPECT_EQ(read_file(path("killed/last/model.safetensors")), read_file(path("whole/last/model.safetensors")));

  const ProgramRun fewer = run_genu(command + " --resume");
  EXPECT_EQ(fewer.exit_code, 2);
  EXPECT_NE(fewer.err.find("was begun with 2 ranks, not 1"), std::string::npos) << fewer.err;
}

// What one rank complains of is what every rank says.
TEST_F(RanksOfAJob, AFaultIsToldToAll) {
  const ProgramRun run =
      two_ranks(train("fault", 4, "--set model.name=compact_resnet --init /nonexistent.safetensors"));
  EXPECT_NE(run.out.find("rank 0: exit 4\nrank 1: exit 4\n"), std::string::npos) << run.out << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 2) << run.err;

  const std::string twice = train("twice", 4, "--set model.name=compact_resnet");
  two_ranks(twice);
  const ProgramRun used = two_ranks(twice);
  EXPECT_NE(used.err.find("holds a run already"), std::string::npos) << used.err;
  // What torchrun starts again goes on, asked or not.
  const ProgramRun restarted = run_job({.zero = twice, .one = twice, .environment = "TORCHELASTIC_RESTART_COUNT=1"});
  EXPECT_NE(restarted.out.find("rank 0: exit 0\nrank 1: exit 0\n"), std::string::npos) << restarted.err;
  const ProgramRun half = run_genu(train("half", 4), "RANK=0 ");
  EXPECT_EQ(half.exit_code, 2);
  EXPECT_NE(half.err.find("WORLD_SIZE is not"), std::string::npos) << half.err;
}

// Whichever rank it is, before the first step too.
TEST_F(RanksOfAJob, AFaultOfOneRankIsToldToTheOther) {
  const std::string good = train("told", 4, "--set model.name=compact_resnet");
  const std::string bad = "train --quiet --threads 1 --shards /nonexistent --out " + path("told");
  const ProgramRun one = run_job({.zero = good, .one = bad});
  EXPECT_NE(one.out.find("rank 0: exit 4\nrank 1: exit 4\n"), std::string::npos) << one.out << one.err;
  EXPECT_NE(one.err.find("rank 1 of 2 stopped: /nonexistent"), std::string::npos) << one.err;
  const ProgramRun zero = run_job({.zero = bad, .one = good});
  EXPECT_NE(zero.out.find("rank 0: exit 4\nrank 1: exit 4\n"), std::string::npos) << zero.out << zero.err;
  EXPECT_NE(zero.err.find("rank 0 of 2 stopped: /nonexistent"), std::string::npos) << zero.err;

  const ProgramRun other = run_job({.zero = good, .one = good + " --epochs 2"});
  EXPECT_NE(other.out.find("rank 0: exit 2\nrank 1: exit 2\n"), std::string::npos) << other.out << other.err;
  EXPECT_NE(other.err.find("started with different configs"), std::string::npos) << other.err;
  EXPECT_FALSE(fs::exists(path("told")));
}

}  // namespace
}  // namespace genu

#endif
