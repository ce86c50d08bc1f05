// Strict configuration. A config struct lists each field once:
//
//   struct ScatterConfig {
//     double primary_ratio = 0.25;
//     void list_fields(FieldList& fields) {
//       fields.add("primary_ratio", primary_ratio, Range{0.0, 2.0}, "scatter-to-primary ratio at the detector");
//     }
//   };
//
// That list drives reading (unknown key, wrong type, value out of range = ConfigError with file and line), `--set`,
// `--print-config`, the help text and the hash of the resolved config.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genu {

// Inclusive range. A NaN is never inside.
template <class T>
struct Range {
  T low = std::numeric_limits<T>::lowest();
  T high = std::numeric_limits<T>::max();
};
template <class T>
Range(T, T) -> Range<T>;

// One node of a parsed YAML document, with the place it came from.
struct ConfigValue {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string scalar;
  std::vector<ConfigValue> list;
  std::vector<Entry> map;  // in file order
  std::string origin;      // "configs/x.yaml" or "--set size_px=9"
  int line = 0;            // 1-based; 0 where there is none

  // "configs/x.yaml:12" or "--set size_px=9".
  std::string place() const;
};

struct ConfigValue::Entry {
  std::string key;
  int line = 0;
  ConfigValue value;
};

class FieldList {
 public:
  struct Field {
    std::string name;
    std::string type;   // "number", "list of text", "section", ...
    std::string range;  // "0 .. 2" or ""
    std::string help;
    std::function<void(const ConfigValue&, const std::string& path)> read;
    std::function<ConfigValue()> write;
    std::function<FieldList()> section;  // set for sections only
  };

  void add(std::string name, bool& value, std::string help);
  void add(std::string name, int& value, Range<int> range, std::string help);
  void add(std::string name, std::uint64_t& value, Range<std::uint64_t> range, std::string help);
  void add(std::string name, double& value, Range<double> range, std::string help);
  // ~ (YAML's null) leaves it unset.
  void add(std::string name, std::optional<double>& value, Range<double> range, std::string help);
  void add(std::string name, std::string& value, std::string help);
  // Lists keep any length in `length`.
  void add(std::string name, std::vector<double>& value, Range<double> range, Range<int> length, std::string help);
  void add(std::string name, std::vector<int>& value, Range<int> range, Range<int> length, std::string help);
  void add(std::string name, std::vector<std::string>& value, Range<int> length, std::string help);
  // A table keeps its number of rows and columns.
  void add(std::string name, std::vector<std::vector<double>>& value, Range<double> range, std::string help);

  // One of a fixed set of words.
  template <class E>
  void choice(std::string name, E& value, std::vector<std::pair<std::string, E>> words, std::string help);

  // A nested config struct.
  template <class T>
  void section(std::string name, T& value, std::string help);

  // A list of config structs.
  template <class T>
  void items(std::string name, std::vector<T>& value, std::string help);

  const std::vector<Field>& fields() const { return fields_; }

  // Reads a mapping into the listed fields. `path` is the dotted name of the mapping, "" at the top.
  void read(const ConfigValue& value, const std::string& path) const;
  ConfigValue write() const;

 private:
  void add_choice(std::string name, std::vector<std::string> words, std::string help,
                  std::function<void(std::size_t)> set, std::function<std::size_t()> get);

  std::vector<Field> fields_;
};

// Throws ConfigError with the place on a syntax error or a duplicate key.
ConfigValue parse_yaml_text(std::string_view text, const std::string& origin);
// Throws IoError if the file cannot be read.
ConfigValue parse_yaml_file(const std::filesystem::path& path);
// Block-style YAML; numbers print in the shortest form that reads back to the same value.
std::string to_yaml_text(const ConfigValue& value);
// "image.size_px=299" as a nested mapping; the right side is YAML. Throws ConfigError.
ConfigValue parse_override(std::string_view assignment);
// One line a field: dotted name, type, range, default, help.
std::string help_text(const FieldList& fields);

template <class T>
FieldList list_fields(T& config) {
  FieldList fields;
  config.list_fields(fields);
  return fields;
}

template <class T>
void read_config(T& config, const ConfigValue& value) {
  list_fields(config).read(value, "");
}

// Defaults, then the file, then each override, in that order. An empty path means no file.
template <class T>
T load_config(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  T config;
  if (!path.empty()) read_config(config, parse_yaml_file(path));
  for (const std::string& text : overrides) read_config(config, parse_override(text));
  return config;
}

// The resolved config: every field, in the order listed.
template <class T>
std::string to_yaml(T config) {
  return to_yaml_text(list_fields(config).write());
}

// SHA-256 (hex) of the resolved config.
std::string hash_yaml_text(std::string_view text);
template <class T>
std::string config_hash(const T& config) {
  return hash_yaml_text(to_yaml(config));
}

// ---- templates ----

template <class E>
void FieldList::choice(std::string name, E& value, std::vector<std::pair<std::string, E>> words, std::string help) {
  std::vector<std::string> texts;
  for (const auto& word : words) texts.push_back(word.first);
  const auto get = [&value, words] {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i].second == value) return i;
    }
    return words.size();
  };
  add_choice(
      std::move(name), std::move(texts), std::move(help),
      [&value, words](std::size_t i) { value = words.at(i).second; }, get);
}

template <class T>
void FieldList::section(std::string name, T& value, std::string help) {
  fields_.push_back(
      Field{std::move(name), "section", "", std::move(help),
            [&value](const ConfigValue& node, const std::string& path) { genu::list_fields(value).read(node, path); },
            [&value] { return genu::list_fields(value).write(); }, [&value] { return genu::list_fields(value); }});
}

void require_list(const ConfigValue& node, const std::string& path);

template <class T>
void FieldList::items(std::string name, std::vector<T>& value, std::string help) {
  fields_.push_back(Field{std::move(name), "list of sections", "", std::move(help),
                          [&value](const ConfigValue& node, const std::string& path) {
                            require_list(node, path);
                            std::vector<T> fresh(node.list.size());
                            for (std::size_t i = 0; i < fresh.size(); ++i) {
                              genu::list_fields(fresh[i]).read(node.list[i], path + "[" + std::to_string(i) + "]");
                            }
                            value = std::move(fresh);
                          },
                          [&value] {
                            ConfigValue node;
                            node.kind = ConfigValue::Kind::kList;
                            for (T& item : value) node.list.push_back(genu::list_fields(item).write());
                            return node;
                          },
                          nullptr});
}

}  // namespace genu
