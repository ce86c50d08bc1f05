#include "core/csv.h"

#include <gtest/gtest.h>

#include "core/errors.h"

namespace genu {
namespace {

TEST(Csv, ReadsQuotesLineEndsAndByteOrderMark) {
  const auto table = CsvTable::parse("\xEF\xBB\xBFid,note\r\n1,\"a, \"\"b\"\"\nc\"\r\n\n2,\n", "t.csv");
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table.columns(), (std::vector<std::string>{"id", "note"}));
  EXPECT_EQ(table.cell(0, 1), "a, \"b\"\nc");
  EXPECT_EQ(table.cell(1, 1), "");
  EXPECT_EQ(table.place(1), "t.csv:5");
}

TEST(Csv, LineReadsBack) {
  const std::vector<std::string> cells = {"plain", "a,b", "\"", "two\nlines", ""};
  const auto table = CsvTable::parse("a,b,c,d,e\n" + csv_line(cells), "t.csv");
  for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(table.cell(0, i), cells[i]);
}

TEST(Csv, FaultsNameFileAndLine) {
  const auto error_of = [](const std::string& text) -> std::string {
    try {
      CsvTable::parse(text, "t.csv");
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(error_of("a,b\n1,2\n3\n"), "t.csv:3: 1 cells where the header has 2; mend the row");
  EXPECT_EQ(error_of("a,a\n"), "t.csv:1: column 'a' is named twice; rename one");
  EXPECT_EQ(error_of("a\n\"open\n\n"), "t.csv:2: a quote is never closed");
  EXPECT_NE(error_of("a\n\"x\"y\n").find("t.csv:2"), std::string::npos);
  EXPECT_NE(error_of("").find("header"), std::string::npos);
}

TEST(Csv, NumbersAreCheckedWithTheirPlace) {
  const auto table = CsvTable::parse("kl,x\n3,1.5\n9,nan\n2x,1e999\n", "t.csv");
  EXPECT_EQ(table.integer(0, 0, 0, 4), 3);
  EXPECT_EQ(table.number(0, 1), 1.5);
  EXPECT_THROW(table.integer(1, 0, 0, 4), DataError);
  EXPECT_THROW(table.number(1, 1), DataError);
  EXPECT_THROW(table.integer(2, 0, 0, 4), DataError);
  EXPECT_THROW(table.number(2, 1), DataError);
  EXPECT_THROW(table.column("grade"), DataError);
}

// Found by fuzzing.
TEST(Csv, AMarkInACellAndALoneEmptyCellAreReadBack) {
  const auto table = CsvTable::parse(csv_line({"\xEF\xBB\xBF"
                                               "a"}) +
                                         csv_line({""}),
                                     "x");
  EXPECT_EQ(table.columns().front(),
            "\xEF\xBB\xBF"
            "a");
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table.cell(0, 0), "");
}

}  // namespace
}  // namespace genu
