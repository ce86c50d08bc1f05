#include "cli/source_options.h"

#include <iterator>

#include "core/errors.h"
#include "pipeline/source/manifest.h"
#include "pipeline/source/mendeley.h"

namespace genu::cli {

using namespace genu::pipeline;

namespace {

void add_paths(CLI::App& app, const std::string& name, std::vector<std::string>& paths, const std::string& type,
               const std::string& help) {
  app.add_option(name, paths, help + "; may be repeated")->type_name(type)->allow_extra_args(false);
}

template <class E>
void add_choice(CLI::App& app, const std::string& name, E& value, const std::vector<std::pair<std::string, E>>& words,
                const std::string& help) {
  std::vector<std::string> texts;
  for (const auto& [text, meaning] : words) texts.push_back(text);
  const auto set = [&value, words](const std::string& given) {
    for (const auto& [text, meaning] : words) {
      if (text == given) value = meaning;
    }
  };
  app.add_option_function<std::string>(name, set, help)->check(CLI::IsMember(texts))->type_name("WORD");
}

const std::vector<std::pair<std::string, ExpertRule>>& expert_rules() {
  static const std::vector<std::pair<std::string, ExpertRule>> words = {{"first", ExpertRule::kFirst},
                                                                        {"second", ExpertRule::kSecond},
                                                                        {"lower", ExpertRule::kLower},
                                                                        {"higher", ExpertRule::kHigher},
                                                                        {"agreed", ExpertRule::kAgreed}};
  return words;
}

const std::vector<std::pair<std::string, ExtraColumns>>& extra_columns() {
  static const std::vector<std::pair<std::string, ExtraColumns>> words = {{"refuse", ExtraColumns::kRefuse},
                                                                          {"ignore", ExtraColumns::kIgnore}};
  return words;
}

std::vector<std::pair<std::string, std::optional<Source>>> optional_source_names() {
  std::vector<std::pair<std::string, std::optional<Source>>> words = {{"default", std::nullopt}};
  for (const Source source : kAllSources) words.emplace_back(to_string(source), source);
  return words;
}

const std::vector<std::pair<std::string, SubjectIds>>& subject_id_words() {
  static const std::vector<std::pair<std::string, SubjectIds>> words = {{"table", SubjectIds::kAsRead},
                                                                        {"hash", SubjectIds::kHashed}};
  return words;
}

std::vector<std::pair<std::string, Split>> split_names() {
  return {{"train", Split::kTrain}, {"val", Split::kVal}, {"test", Split::kTest}};
}

}  // namespace

void SourceConfig::list_fields(FieldList& fields) {
  fields.choice("kind", kind,
                {{"synthetic", SourceKind::kSynthetic},
                 {"mendeley", SourceKind::kMendeley},
                 {"manifest", SourceKind::kManifest},
                 {"csv", SourceKind::kCsv},
                 {"experts", SourceKind::kExperts},
                 {"films", SourceKind::kFilms}},
                "layout of the source");
  fields.add("path", path, "folder, or the file of a csv or manifest; for experts what expert 1 graded");
  fields.add("second", second, "experts: what expert 2 graded");
  fields.add("images", images, "csv: folder that relative paths start at; empty = the file's own");
  fields.add("columns", columns, "csv: ROLE=NAME pairs, as kl=KLG,side=knee");
  fields.choice("extra_columns", extra_columns, cli::extra_columns(), "csv: columns that nothing asks for");
  fields.choice("expert_rule", expert_rule, expert_rules(), "experts: what becomes kl");
  fields.add("readings", readings, Range{0, 100}, "films: reading tables");
  fields.add("visit", visit, "films: visit, as V00; empty = the only one in the table");
  fields.add("projects", projects, Range{0, 1000000}, Range{0, 100}, "films: whose reading counts, first to last");
  fields.choice("subject_ids", subject_ids, subject_id_words(), "films: IDs as in the table, or hashed");
  fields.add("subject_salt", subject_salt, "films: salt of hashed IDs");
  fields.choice("source", source, optional_source_names(),
                "csv, experts, films: whose films they are; default: oai for films, other for csv and experts");
  fields.choice("split", split, split_names(), "csv, experts: the part of images without one");
}

void add_source_options(CLI::App& app, SourceOptions& options, ManifestSources manifests) {
  add_paths(app, "--synthetic", options.synthetic, "DIR", "dataset folder of `genu generate`");
  add_paths(app, "--mendeley", options.mendeley, "DIR", "folder with SPLIT/GRADE/SUBJECTSIDE.png or a copy of it");
  add_paths(app, "--csv", options.csv, "FILE", "table with path, grade, subject and side");
  app.add_option("--experts", options.experts, "two folders of grade folders, or two CSVs, one an expert")
      ->type_name("FIRST SECOND")
      ->expected(2);
  app.add_option("--films", options.films, "folder of bilateral PA films; needs --readings")->type_name("DIR");
  add_paths(app, "--readings", options.common.readings, "FILE",
            "of --films: reading table (ID, SIDE, READPRJ, V00XRKL ...)");
  if (manifests == ManifestSources::kOffered) {
    add_paths(app, "--manifest", options.manifests, "FILE", "manifest of `genu ingest`");
  }
  SourceConfig& common = options.common;
  app.add_option("--columns", common.columns, "of --csv: ROLE=NAME pairs, as kl=KLG,side=knee")->type_name("LIST");
  add_choice(app, "--extra-columns", common.extra_columns, extra_columns(),
             "of --csv, columns that nothing asks for: refuse (default) or ignore");
  app.add_option("--images", common.images, "of --csv: folder that relative paths start at")->type_name("DIR");
  add_choice(app, "--expert-rule", common.expert_rule, expert_rules(),
             "of --experts, what becomes the grade: first (default), second, lower, higher or agreed");
  app.add_option("--visit", common.visit, "of --films: visit of the table, as V00; default the only one it has")
      ->type_name("VISIT");
  app.add_option("--projects", common.projects, "of --films: reading projects, first to last; default 15 37 42")
      ->type_name("N")
      ->expected(1, 100);
  add_choice(app, "--subject-ids", common.subject_ids, subject_id_words(),
             "of --films, subjects in the manifest: table (the table's IDs, default) or hash");
  app.add_option("--subject-salt", common.subject_salt, "of --subject-ids hash: a secret text")->type_name("TEXT");
  app.add_option("--source", options.source_name,
                 "whose films they are: synthetic, mendeley, oai (default of --films) or other (of --csv, --experts)")
      ->type_name("NAME");
  add_choice(app, "--split", common.split, split_names(), "the part of images that state none; default train");
}

std::vector<SourceConfig> chosen_sources(const SourceOptions& options) {
  std::vector<SourceConfig> sources;
  const auto add = [&](SourceKind kind, const std::string& path) -> SourceConfig& {
    sources.push_back(options.common);
    sources.back().kind = kind;
    sources.back().path = path;
    if (!options.source_name.empty()) {
      const auto source = parse_source(options.source_name);
      if (!source) {
        throw UsageError("--source: '" + options.source_name + "' is not synthetic, mendeley, oai or other");
      }
      sources.back().source = *source;
    }
    return sources.back();
  };
  for (const auto& path : options.synthetic) add(SourceKind::kSynthetic, path);
  for (const auto& path : options.mendeley) add(SourceKind::kMendeley, path);
  for (const auto& path : options.csv) add(SourceKind::kCsv, path);
  if (options.experts.size() == 2) add(SourceKind::kExperts, options.experts[0]).second = options.experts[1];
  if (options.films.empty() != options.common.readings.empty()) {
    throw UsageError("--films and --readings belong together; give both");
  }
  if (!options.films.empty()) add(SourceKind::kFilms, options.films);
  for (const auto& path : options.manifests) add(SourceKind::kManifest, path);
  return sources;
}

SourceListing list_source(const SourceConfig& source, FaultPolicy policy) {
  const auto columns = [&] { return parse_csv_columns(source.columns, source.extra_columns); };
  switch (source.kind) {
    case SourceKind::kSynthetic:
      return list_synthetic(source.path, policy);
    case SourceKind::kMendeley:
      return list_mendeley(source.path, policy);
    case SourceKind::kManifest:
      return read_manifest(source.path, policy);
    case SourceKind::kCsv:
      return list_csv({source.path, source.images, columns(), source.source.value_or(Source::kOther), source.split},
                      policy);
    case SourceKind::kExperts:
      return list_experts({source.path, source.second, source.expert_rule, columns(),
                           source.source.value_or(Source::kOther), source.split},
                          policy);
    case SourceKind::kFilms:
      if (source.readings.empty()) throw ConfigError("sources: films need readings, the study's reading tables");
      return list_films({.folder = source.path,
                         .readings = {source.readings.begin(), source.readings.end()},
                         .reading = {source.visit, source.projects},
                         .subject_ids = source.subject_ids,
                         .salt = source.subject_salt,
                         .source = source.source.value_or(Source::kOai),
                         .split = source.split},
                        policy);
  }
  throw InternalError("unknown kind of source");
}

SourceListing list_sources(const std::vector<SourceConfig>& sources, FaultPolicy policy) {
  SourceListing all;
  const auto move_to = [](auto& from, auto& to) {
    if (to.empty()) return to.swap(from);
    std::move(from.begin(), from.end(), std::back_inserter(to));
  };
  for (const SourceConfig& source : sources) {
    SourceListing one = list_source(source, policy);
    move_to(one.samples, all.samples);
    move_to(one.skipped, all.skipped);
    move_to(one.notes, all.notes);
  }
  return all;
}

}  // namespace genu::cli
