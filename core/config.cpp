#include "core/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"

namespace genu {

namespace {

using Kind = ConfigValue::Kind;

std::string join_path(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

ConfigValue from_yaml(const YAML::Node& node, const std::string& origin) {
  ConfigValue value;
  value.origin = origin;
  value.line = node.Mark().is_null() ? 0 : node.Mark().line + 1;
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      break;
    case YAML::NodeType::Scalar:
      value.kind = Kind::kScalar;
      value.scalar = node.Scalar();
      break;
    case YAML::NodeType::Sequence:
      value.kind = Kind::kList;
      for (const auto& item : node) value.list.push_back(from_yaml(item, origin));
      break;
    case YAML::NodeType::Map:
      value.kind = Kind::kMap;
      for (const auto& item : node) {
        ConfigValue::Entry entry{item.first.Scalar(), item.first.Mark().line + 1, from_yaml(item.second, origin)};
        for (const auto& other : value.map) {
          if (other.key == entry.key) {
            throw ConfigError(fmt::format("{}:{}: key '{}' is given twice (first in line {}); keep one", origin,
                                          entry.line, entry.key, other.line));
          }
        }
        value.map.push_back(std::move(entry));
      }
      break;
  }
  return value;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "one value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a mapping";
  }
  return "?";
}

[[noreturn]] void throw_wrong(const ConfigValue& node, const std::string& path, const std::string& wanted) {
  const std::string got = node.kind == Kind::kScalar ? "'" + node.scalar + "'" : std::string(kind_name(node.kind));
  throw ConfigError(fmt::format("{}: {} must be {}, got {}", node.place(), path, wanted, got));
}

template <class T>
std::string range_text(const Range<T>& range) {
  const bool low = range.low > std::numeric_limits<T>::lowest();
  const bool high = range.high < std::numeric_limits<T>::max();
  if (low && high) return fmt::format("{} .. {}", range.low, range.high);
  if (low) return fmt::format(">= {}", range.low);
  if (high) return fmt::format("<= {}", range.high);
  return "";
}

template <class T>
std::string wanted_number(const Range<T>& range) {
  const std::string kind = std::is_floating_point_v<T> ? "a number" : "a whole number";
  const std::string text = range_text(range);
  return text.empty() ? kind : kind + " " + (text.find("..") == std::string::npos ? "" : "in ") + text;
}

template <class T>
T read_number(const ConfigValue& node, const std::string& path, const Range<T>& range) {
  T value{};
  const char* begin = node.scalar.data();
  const char* end = begin + node.scalar.size();
  if (node.kind != Kind::kScalar) throw_wrong(node, path, wanted_number(range));
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end || !(value >= range.low && value <= range.high)) {
    throw_wrong(node, path, wanted_number(range));
  }
  return value;
}

const std::string& read_text(const ConfigValue& node, const std::string& path) {
  if (node.kind != Kind::kScalar) throw_wrong(node, path, "text");
  return node.scalar;
}

void require_length(const ConfigValue& node, const std::string& path, const Range<int>& length) {
  require_list(node, path);
  const int count = static_cast<int>(node.list.size());
  if (!(count >= length.low && count <= length.high)) {
    const std::string wanted =
        length.low == length.high ? fmt::format("{} items", length.low) : range_text(length) + " items";
    throw ConfigError(fmt::format("{}: {} must have {}, got {}", node.place(), path, wanted, count));
  }
}

ConfigValue scalar_value(std::string text) {
  ConfigValue value;
  value.kind = Kind::kScalar;
  value.scalar = std::move(text);
  return value;
}

template <class T>
ConfigValue list_value(const std::vector<T>& items) {
  ConfigValue value;
  value.kind = Kind::kList;
  for (const T& item : items) value.list.push_back(scalar_value(fmt::format("{}", item)));
  return value;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string known_keys_hint(const std::vector<FieldList::Field>& fields, const std::string& key) {
  std::string all;
  const FieldList::Field* nearest = nullptr;
  std::size_t best = 4;
  for (const auto& field : fields) {
    all += (all.empty() ? "" : ", ") + field.name;
    if (const std::size_t distance = edit_distance(key, field.name); distance < best) {
      best = distance;
      nearest = &field;
    }
  }
  return nearest != nullptr ? fmt::format("did you mean '{}'?", nearest->name) : "known keys: " + all;
}

// A scalar in the YAML text: quoted where it would read back as something else.
std::string quoted(const std::string& text) {
  const bool plain = !text.empty() && text != "~" && text != "null" &&
                     text.find_first_of(":#'\"\n\t[]{},&*!|>%@`?\\") == std::string::npos && text.front() != ' ' &&
                     text.back() != ' ' && !(text.front() == '-' && (text.size() == 1 || text[1] == ' '));
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool is_flat(const ConfigValue& value) {
  return std::all_of(value.list.begin(), value.list.end(), [](const ConfigValue& item) {
    return item.kind == Kind::kScalar || (item.kind == Kind::kList && is_flat(item));
  });
}

std::string flow_text(const ConfigValue& value) {
  if (value.kind == Kind::kNull) return "~";
  if (value.kind == Kind::kScalar) return quoted(value.scalar);
  std::string out = "[";
  for (std::size_t i = 0; i < value.list.size(); ++i) out += (i == 0 ? "" : ", ") + flow_text(value.list[i]);
  return out + "]";
}

void write_block(const ConfigValue& value, const std::string& indent, std::string& out) {
  for (const auto& entry : value.map) {
    const ConfigValue& child = entry.value;
    out += indent + quoted(entry.key) + ":";
    if (child.kind == Kind::kMap && !child.map.empty()) {
      out += "\n";
      write_block(child, indent + "  ", out);
    } else if (child.kind == Kind::kMap) {
      out += " {}\n";
    } else if (child.kind == Kind::kList && !is_flat(child)) {
      out += "\n";
      for (const ConfigValue& item : child.list) {
        std::string block;
        write_block(item, indent + "    ", block);
        block.replace(indent.size() + 2, 1, "-");
        out += block;
      }
    } else if (child.kind == Kind::kNull) {
      out += " ~\n";
    } else {
      out += " " + flow_text(child) + "\n";
    }
  }
}

void write_help(const FieldList& fields, const std::string& path, std::string& out) {
  for (const auto& field : fields.fields()) {
    const std::string name = join_path(path, field.name);
    if (field.section) {
      out += fmt::format("\n{}: {}\n", name, field.help);
      write_help(field.section(), name, out);
      continue;
    }
    const ConfigValue value = field.write();
    const std::string shown = value.kind == Kind::kList && !is_flat(value) ? "..." : flow_text(value);
    out += fmt::format("  {} = {}  ({}{}{})\n      {}\n", name, shown, field.type, field.range.empty() ? "" : ", ",
                       field.range, field.help);
  }
}

}  // namespace

std::string ConfigValue::place() const { return line > 0 ? fmt::format("{}:{}", origin, line) : origin; }

void require_list(const ConfigValue& node, const std::string& path) {
  if (node.kind != Kind::kList) throw_wrong(node, path, "a list");
}

void FieldList::add(std::string name, bool& value, std::string help) {
  fields_.push_back(Field{std::move(name), "true or false", "", std::move(help),
                          [&value](const ConfigValue& node, const std::string& path) {
                            const std::string text = node.kind == Kind::kScalar ? node.scalar : "";
                            if (text != "true" && text != "false") throw_wrong(node, path, "true or false");
                            value = text == "true";
                          },
                          [&value] { return scalar_value(value ? "true" : "false"); }, nullptr});
}

namespace {

template <class T>
FieldList::Field number_field(std::string name, T& value, Range<T> range, std::string help) {
  return {std::move(name),
          std::is_floating_point_v<T> ? "number" : "whole number",
          range_text(range),
          std::move(help),
          [&value, range](const ConfigValue& node, const std::string& path) { value = read_number(node, path, range); },
          [&value] { return scalar_value(fmt::format("{}", value)); },
          nullptr};
}

template <class T>
FieldList::Field number_list_field(std::string name, std::vector<T>& value, Range<T> range, Range<int> length,
                                   std::string help) {
  return {std::move(name),
          "list of numbers",
          range_text(range),
          std::move(help),
          [&value, range, length](const ConfigValue& node, const std::string& path) {
            require_length(node, path, length);
            std::vector<T> fresh;
            for (std::size_t i = 0; i < node.list.size(); ++i) {
              fresh.push_back(read_number(node.list[i], fmt::format("{}[{}]", path, i), range));
            }
            value = std::move(fresh);
          },
          [&value] { return list_value(value); },
          nullptr};
}

}  // namespace

void FieldList::add(std::string name, int& value, Range<int> range, std::string help) {
  fields_.push_back(number_field(std::move(name), value, range, std::move(help)));
}

void FieldList::add(std::string name, std::uint64_t& value, Range<std::uint64_t> range, std::string help) {
  fields_.push_back(number_field(std::move(name), value, range, std::move(help)));
}

void FieldList::add(std::string name, double& value, Range<double> range, std::string help) {
  fields_.push_back(number_field(std::move(name), value, range, std::move(help)));
}

void FieldList::add(std::string name, std::optional<double>& value, Range<double> range, std::string help) {
  fields_.push_back(Field{std::move(name), "number or ~", range_text(range), std::move(help),
                          [&value, range](const ConfigValue& node, const std::string& path) {
                            if (node.kind == Kind::kNull) {
                              value.reset();
                            } else {
                              value = read_number(node, path, range);
                            }
                          },
                          [&value] { return value ? scalar_value(fmt::format("{}", *value)) : ConfigValue{}; },
                          nullptr});
}

void FieldList::add(std::string name, std::string& value, std::string help) {
  fields_.push_back(Field{std::move(name), "text", "", std::move(help),
                          [&value](const ConfigValue& node, const std::string& path) { value = read_text(node, path); },
                          [&value] { return scalar_value(value); }, nullptr});
}

void FieldList::add(std::string name, std::vector<double>& value, Range<double> range, Range<int> length,
                    std::string help) {
  fields_.push_back(number_list_field(std::move(name), value, range, length, std::move(help)));
}

void FieldList::add(std::string name, std::vector<int>& value, Range<int> range, Range<int> length, std::string help) {
  fields_.push_back(number_list_field(std::move(name), value, range, length, std::move(help)));
}

void FieldList::add(std::string name, std::vector<std::string>& value, Range<int> length, std::string help) {
  fields_.push_back(Field{std::move(name), "list of text", "", std::move(help),
                          [&value, length](const ConfigValue& node, const std::string& path) {
                            require_length(node, path, length);
                            std::vector<std::string> fresh;
                            for (std::size_t i = 0; i < node.list.size(); ++i) {
                              fresh.push_back(read_text(node.list[i], fmt::format("{}[{}]", path, i)));
                            }
                            value = std::move(fresh);
                          },
                          [&value] { return list_value(value); }, nullptr});
}

void FieldList::add(std::string name, std::vector<std::vector<double>>& value, Range<double> range, std::string help) {
  const int rows = static_cast<int>(value.size());
  const int columns = rows > 0 ? static_cast<int>(value.front().size()) : 0;
  fields_.push_back(Field{std::move(name), fmt::format("table {} x {}", rows, columns), range_text(range),
                          std::move(help),
                          [&value, range, rows, columns](const ConfigValue& node, const std::string& path) {
                            require_length(node, path, {rows, rows});
                            std::vector<std::vector<double>> fresh;
                            for (std::size_t i = 0; i < node.list.size(); ++i) {
                              const std::string row_path = fmt::format("{}[{}]", path, i);
                              require_length(node.list[i], row_path, {columns, columns});
                              fresh.emplace_back();
                              for (const ConfigValue& cell : node.list[i].list) {
                                fresh.back().push_back(read_number(cell, row_path, range));
                              }
                            }
                            value = std::move(fresh);
                          },
                          [&value] {
                            ConfigValue node;
                            node.kind = Kind::kList;
                            for (const auto& row : value) node.list.push_back(list_value(row));
                            return node;
                          },
                          nullptr});
}

void FieldList::add_choice(std::string name, std::vector<std::string> words, std::string help,
                           std::function<void(std::size_t)> set, std::function<std::size_t()> get) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " | ") + word;
  fields_.push_back(Field{std::move(name), "choice", all, std::move(help),
                          [words, all, set](const ConfigValue& node, const std::string& path) {
                            const auto found = std::find(words.begin(), words.end(), node.scalar);
                            if (node.kind != Kind::kScalar || found == words.end()) {
                              throw_wrong(node, path, "one of " + all);
                            }
                            set(static_cast<std::size_t>(found - words.begin()));
                          },
                          [words, get] { return scalar_value(words.at(get())); }, nullptr});
}

void FieldList::read(const ConfigValue& value, const std::string& path) const {
  if (value.kind == Kind::kNull) return;  // an empty file or section changes nothing
  if (value.kind != Kind::kMap) throw_wrong(value, path.empty() ? "the config" : path, "a mapping");
  for (const auto& entry : value.map) {
    const auto field =
        std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.name == entry.key; });
    const std::string name = join_path(path, entry.key);
    if (field == fields_.end()) {
      ConfigValue where;
      where.origin = value.origin;
      where.line = entry.line;
      throw ConfigError(
          fmt::format("{}: unknown key '{}'; {}", where.place(), name, known_keys_hint(fields_, entry.key)));
    }
    field->read(entry.value, name);
  }
}

ConfigValue FieldList::write() const {
  ConfigValue value;
  value.kind = Kind::kMap;
  for (const Field& field : fields_) value.map.push_back({field.name, 0, field.write()});
  return value;
}

ConfigValue parse_yaml_text(std::string_view text, const std::string& origin) {
  try {
    return from_yaml(YAML::Load(std::string(text)), origin);
  } catch (const YAML::Exception& error) {
    throw ConfigError(fmt::format("{}:{}: not valid YAML: {}", origin, error.mark.line + 1, error.msg));
  }
}

ConfigValue parse_yaml_file(const std::filesystem::path& path) {
  return parse_yaml_text(read_text_file(path), path.string());
}

std::string to_yaml_text(const ConfigValue& value) {
  std::string out;
  write_block(value, "", out);
  return out;
}

ConfigValue parse_override(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string origin = "--set " + std::string(assignment);
  if (equals == std::string_view::npos || equals == 0) {
    throw ConfigError(origin + ": must read key=value, with dots between nested keys");
  }
  ConfigValue value;
  try {
    value = from_yaml(YAML::Load(std::string(assignment.substr(equals + 1))), origin);
  } catch (const YAML::Exception& error) {
    throw ConfigError(origin + ": not valid YAML: " + error.msg);
  }
  // An empty right side is an empty text; ~ is null.
  if (value.kind == Kind::kNull && equals + 1 == assignment.size()) value = scalar_value("");
  const std::function<void(ConfigValue&)> forget_lines = [&](ConfigValue& node) {
    node.line = 0;
    node.origin = origin;
    for (auto& item : node.list) forget_lines(item);
    for (auto& entry : node.map) {
      entry.line = 0;
      forget_lines(entry.value);
    }
  };
  forget_lines(value);
  std::string_view path = assignment.substr(0, equals);
  while (true) {
    const std::size_t dot = path.rfind('.');
    ConfigValue parent;
    parent.kind = Kind::kMap;
    parent.origin = origin;
    parent.map.push_back({std::string(dot == std::string_view::npos ? path : path.substr(dot + 1)), 0, value});
    value = std::move(parent);
    if (dot == std::string_view::npos) return value;
    path = path.substr(0, dot);
  }
}

std::string help_text(const FieldList& fields) {
  std::string out;
  write_help(fields, "", out);
  return out;
}

std::string hash_yaml_text(std::string_view text) { return to_hex(sha256(text)); }

}  // namespace genu
