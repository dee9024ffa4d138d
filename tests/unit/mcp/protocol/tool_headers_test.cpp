// SPDX-License-Identifier: MIT
#include "mcp/protocol/tool_headers.hh"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/json/slice.hh"

namespace mcpstate::mcp {
namespace {

// pointer>name, … or "wrong: place: why".
std::string read(const std::string& tool) {
  if (const auto fault = validate_json(tool)) return "not JSON: " + *fault;
  const auto found = read_tool_headers(tool);
  if (!found) {
    EXPECT_EQ(found.error().code(), errc::protocol);
    EXPECT_TRUE(found.error().detail().starts_with("x-mcp-header: ")) << found.error().detail();
    return "wrong: " + found.error().peer_text() + ":" + found.error().detail().substr(13);
  }
  std::string out;
  for (const tool_header& each : *found) out += (out.empty() ? "" : ", ") + each.pointer + ">" + each.name;
  return out;
}

std::string schema(const std::string& text) { return R"({"name":"t","inputSchema":)" + text + "}"; }
std::string properties(const std::string& text) { return schema(R"({"type":"object","properties":{)" + text + "}}"); }
std::string annotated(const std::string& type, const std::string& value) {
  return R"({"type":)" + type + R"(,"x-mcp-header":)" + value + "}";
}
const std::string good = R"({"type":"string","x-mcp-header":"A"})";

TEST(ToolHeaders, FindsAnnotatedProperties) {
  const struct {
    std::string tool;
    const char* found;
  } table[] = {
      // None.
      {R"({"name":"t"})", ""},
      {schema(R"({"type":"object"})"), ""},
      {schema("null"), ""},
      {schema("[]"), ""},
      {schema("true"), ""},
      {properties(R"("a":{"type":"string"},"b":true,"c":null,"d":[1,[2]])"), ""},
      {R"({"name":"x-mcp-header","description":"\u0078-mcp-header"})", ""},
      {R"({"x-mcp-header":"A","outputSchema":)" + good + R"(,"inputSchema":{}})", ""},
      // The types.
      {properties(R"("a":)" + annotated("\"string\"", "\"Region\"")), "/a>Mcp-Param-Region"},
      {properties(R"("a":)" + annotated("\"integer\"", "\"N\"") + R"(,"b":)" + annotated("\"boolean\"", "\"B\"")),
       "/a>Mcp-Param-N, /b>Mcp-Param-B"},
      {properties(R"("a":{"x-mcp-header":"Method","description":"d","type":"string"})"), "/a>Mcp-Param-Method"},
      {properties(R"("a":)" + annotated("\"string\"", "\"!#$%&'*+-.^_`|~09azAZ\"")), "/a>Mcp-Param-!#$%&'*+-.^_`|~09azAZ"},
      // Spelled in other ways.
      {R"({"\u0069nputSchema":{"pr\u006fperties":{"\u0061":{"t\u0079pe":"str\u0069ng","\u0078-mcp-header":"\u0041"}}}})",
       "/a>Mcp-Param-A"},
      {R"( { "inputSchema" : { "properties" : { "a" : { "type" : "string" , "x-mcp-header" : "A" } } } } )",
       "/a>Mcp-Param-A"},
      // Nested in properties; names that a pointer has to escape, and one that is a keyword.
      {properties(R"("o":{"type":"object","properties":{"l":)" + good + "}}"), "/o/l>Mcp-Param-A"},
      {properties(R"("o":{"properties":{"p":{"properties":{"l":)" + good + "}}}}"), "/o/p/l>Mcp-Param-A"},
      {properties(R"("a/b~c":{"properties":{"":)" + good + "}}"), "/a~1b~0c/>Mcp-Param-A"},
      {properties(R"("x-mcp-header":)" + good), "/x-mcp-header>Mcp-Param-A"},
      {properties(R"("x-mcp-header":{"type":"object"})"), ""},
      {properties(R"("properties":{"properties":{"items":)" + good + "}}"), "/properties/items>Mcp-Param-A"},
      {properties(R"("a":{"$ref":"https://h/s","type":"string","x-mcp-header":"A"})"), "/a>Mcp-Param-A"},
      // What only looks like one is data.
      {properties(
           R"("a":{"type":"string","default":{"x-mcp-header":7},"enum":[{"x-mcp-header":""}],"const":{"x-mcp-header":1}})"),
       ""},
      {properties(R"("a":{"type":"string","examples":[{"x-mcp-header":null}],"x-other":{"x-mcp-header":null}})"), ""},
  };
  for (const auto& row : table) EXPECT_EQ(read(row.tool), row.found) << row.tool;
}

TEST(ToolHeaders, RefusesBadHeaderNames) {
  for (const char* const value : {R"("")", R"("My Region")", R"("Region:Primary")", R"("R\u00e9gion")", "\"R\xC3\xA9gion\"",
                                  R"("Region\t1")", R"("A\r\nB")", R"("A\u0000")", "\"(A)\"", R"("a,b")", R"("a/b")",
                                  R"("a@b")", R"("A\u007f")", "null", "true", "7", "{}", R"(["A"])"}) {
    EXPECT_EQ(read(properties(R"("a":)" + annotated("\"string\"", value))), "wrong: /a: it is not an HTTP token") << value;
  }
  for (const char* const type : {R"("number")", R"("object")", R"("array")", R"("null")", R"("String")",
                                 R"(["string","null"])", R"(["string"])", "null", "{}", R"("")"}) {
    EXPECT_EQ(read(properties(R"("a":)" + annotated(type, "\"A\""))),
              "wrong: /a: the type is not exactly string, integer or boolean")
        << type;
  }
  EXPECT_EQ(read(properties(R"("a":{"x-mcp-header":"A"})")),
            "wrong: /a: the type is not exactly string, integer or boolean");
}

TEST(ToolHeaders, RefusesAHeaderNameUsedTwice) {
  const auto two = [](const char* one, const char* other) {
    return properties(R"("a":)" + annotated("\"string\"", one) + R"(,"o":{"properties":{"b":)" +
                      annotated("\"string\"", other) + "}}");
  };
  EXPECT_EQ(read(two(R"("Region")", R"("Region")")), "wrong: /o/b: two properties have the same one");
  EXPECT_EQ(read(two(R"("MyField")", R"("myfield")")), "wrong: /o/b: two properties have the same one");
  EXPECT_EQ(read(two(R"("My_Field")", R"("MyField")")), "/a>Mcp-Param-My_Field, /o/b>Mcp-Param-MyField");
}

TEST(ToolHeaders, RefusesAnnotationsOutsideProperties) {
  const auto wrong = [](const std::string& place) {
    return "wrong: " + place + ": it is not on a property that \"properties\" alone lead to";
  };
  EXPECT_EQ(read(schema(good)), wrong("the root"));
  for (const char* const keyword :
       {"items", "prefixItems", "additionalItems", "contains", "additionalProperties", "unevaluatedProperties",
        "unevaluatedItems", "propertyNames", "contentSchema", "oneOf", "anyOf", "allOf", "not", "if", "then", "else"}) {
    const std::string key = "\"" + std::string(keyword) + "\":";
    EXPECT_EQ(read(schema("{" + key + good + "}")), wrong("/" + std::string(keyword)));
    EXPECT_EQ(read(schema("{" + key + "[{}," + good + "]}")), wrong("/" + std::string(keyword)));
    EXPECT_EQ(read(properties("\"p\":{" + key + good + "}")), wrong("/p/" + std::string(keyword)));
    EXPECT_EQ(read(properties("\"p\":{" + key + "{\"properties\":{\"q\":" + good + "}}}")),
              wrong("/p/" + std::string(keyword) + "/q"));
  }
  for (const char* const keyword : {"patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"}) {
    const std::string key = "\"" + std::string(keyword) + "\":";
    EXPECT_EQ(read(schema("{" + key + "{\"d\":" + good + "}}")), wrong("/" + std::string(keyword) + "/d"));
    EXPECT_EQ(read(schema("{" + key + "{\"d\":[" + good + "]}}")), wrong("/" + std::string(keyword) + "/d"));
    EXPECT_EQ(read(schema("{" + key + "[" + good + "]}")), wrong("/" + std::string(keyword)));
    EXPECT_EQ(read(schema("{" + key + "{\"x-mcp-header\":{\"type\":\"string\"}}}")), "");  // a name
  }
  // What a $ref means is not looked at; its target makes the tool wrong where it stands.
  EXPECT_EQ(read(schema(R"({"properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":)" + good + "}}")), wrong("/$defs/d"));
  EXPECT_EQ(read(schema(R"({"properties":{"a":{"$ref":"#"}}})")), "");
  // "properties" that are no object of schemas lead nowhere.
  EXPECT_EQ(read(schema("{\"properties\":[" + good + "]}")), wrong("the root"));
  EXPECT_EQ(read(properties("\"a\":[" + good + "]")), wrong("/a"));
  EXPECT_EQ(read(schema("[" + good + "]")), wrong("the root"));
}

// One that reads the first of two keys and one that reads the last would send different headers. A tool without annotations
// is nobody's business.
TEST(ToolHeaders, RefusesDuplicateSchemaKeys) {
  const std::string one = R"({"properties":{"a":)" + good + "}}";
  const struct {
    std::string tool;
    const char* found;
  } table[] = {
      {R"({"inputSchema":{},"inputSchema":)" + one + "}", "wrong: : its schema has a key twice"},
      {R"({"inputSchema":)" + one + R"(,"inputSchema":{}})", "wrong: : its schema has a key twice"},
      {schema(R"({"properties":{},"properties":{"a":)" + good + "}}"), "wrong: : its schema has a key twice"},
      {properties(R"("a":{"type":"string"},"\u0061":)" + good), "wrong: : its schema has a key twice"},
      {properties(R"("a":{"type":"number","type":"string","x-mcp-header":"A"})"), "wrong: /a: its schema has a key twice"},
      {properties(R"("a":{"x-mcp-header":"A","type":"string","x-mcp-header":"B"})"),
       "wrong: /a: its schema has a key twice"},
      {properties(R"("a":{"description":"","description":"x","type":"string","x-mcp-header":"A"})"), "/a>Mcp-Param-A"},
      {properties(R"("a":{"type":"string"},"a":{"type":"string","title":"\u0041"})"), ""},
  };
  for (const auto& row : table) {
    std::string expected = row.found;
    if (expected.starts_with("wrong: : ")) expected.replace(7, 0, "the root");
    EXPECT_EQ(read(row.tool), expected) << row.tool;
  }
}

TEST(ToolHeaders, BoundsTheNumberOfHeaders) {
  const auto many = [](int count, const std::string& padding) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += (i > 0 ? "," : "") + ("\"" + padding + std::to_string(i) + "\":") +
              annotated("\"string\"", "\"H" + std::to_string(i) + "\"");
    }
    return properties(text);
  };
  EXPECT_EQ(read_tool_headers(many(64, "p")).value().size(), 64U);
  EXPECT_EQ(read(many(65, "p")), "wrong: /p64: there are too many");
  EXPECT_EQ(read_tool_headers(many(7, std::string(1000, 'p'))).value().size(), 7U);
  EXPECT_TRUE(read(many(9, std::string(1000, 'p'))).ends_with("there are too many"));
  // A place is shown on one line, and not all of it.
  EXPECT_EQ(read(properties("\"" + std::string(5000, 'p') + R"(\n":)" + annotated("7", "7"))),
            "wrong: /" + std::string(59, 'p') + "…: it is not an HTTP token");
  EXPECT_EQ(read(properties(R"("a\n\u001b":)" + annotated("7", "7"))), "wrong: /a\\x0a\\x1b: it is not an HTTP token");
}

TEST(ToolHeaders, RefusesSchemasThatAreTooDeep) {
  const auto nested = [](std::size_t levels) {
    std::string tool = R"({"inputSchema":)", end = "}";
    for (std::size_t i = 0; i < levels; ++i) {
      tool += R"({"properties":{"p":)";
      end += "}}";
    }
    return tool + good + end;
  };
  EXPECT_TRUE(read(nested(31)).ends_with("/p>Mcp-Param-A"));  // 64 levels of JSON, which is all that is accepted
  EXPECT_TRUE(read(nested(32)).starts_with("not JSON"));
  // The reader has a bound of its own.
  const auto far = read_tool_headers(nested(1'000'000));
  ASSERT_FALSE(far.has_value());
  EXPECT_EQ(far.error().detail(), "x-mcp-header: the schema is nested too deep");
  const auto arrays = read_tool_headers(schema("{\"items\":" + std::string(1'000'000, '[') + good));
  ASSERT_FALSE(arrays.has_value());
}

// Not measured: what went over it again for each key or level would take hours.
TEST(ToolHeaders, ReadsLargeSchemasInLinearTime) {
  std::string wide = R"("a":)" + good;
  for (int i = 0; wide.size() < 3'000'000; ++i) wide += ",\"p" + std::to_string(i) + "\":{\"type\":\"string\"}";
  EXPECT_EQ(read(properties(wide)), "/a>Mcp-Param-A");
  std::string deep, end;
  for (int level = 0; level < 30; ++level) {
    deep += (level > 0 ? "," : "") + std::string("\"d\":{\"description\":\"") + std::string(330'000, 'x') +
            "\",\"properties\":{";
    end += "}}";
    deep += "\"h" + std::to_string(level) + "\":" + annotated("\"string\"", "\"H" + std::to_string(level) + "\"");
  }
  EXPECT_EQ(read_tool_headers(properties(deep + end)).value().size(), 30U);
}

// Nothing outside the text is read, whatever it is (AddressSanitizer looks).
TEST(ToolHeaders, ReadsNothingBeyondTruncatedText) {
  const std::string text = properties(R"("o":{"properties":{"l":)" + good + R"(},"items":[)" + R"({"$defs":{"a":[]}}]})");
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string_view part(exact.data(), exact.size());
    EXPECT_TRUE(read_tool_headers(part).has_value() || !part.empty());
    const auto sent = headers_of_call(read_tool_headers(text).value(), part);
    EXPECT_TRUE(!sent || sent->size() <= 1);
  }
}

// name=value, … or the name of the error's code and the place.
std::string call(const std::string& arguments, const std::vector<std::string>& pointers) {
  if (!arguments.empty()) {
    EXPECT_FALSE(validate_json(arguments).has_value()) << arguments;
  }
  tool_header_list wanted;
  for (const std::string& pointer : pointers) {
    tool_header header;
    header.pointer = pointer;
    header.name = "H" + std::to_string(wanted.size());
    wanted.push_back(header);
  }
  const auto sent = headers_of_call(wanted, arguments);
  if (!sent) return std::string(name_of(sent.error().code())) + " " + sent.error().peer_text();
  std::string out;
  for (const auto& [name, value] : *sent) out += (out.empty() ? "" : "|") + name + "=" + value;
  return out;
}

TEST(ToolHeaders, EncodesTheValuesOfACall) {
  const struct {
    const char* value;
    const char* sent;
  } table[] = {
      {R"("us-west1")", "H0=us-west1"},
      {R"("")", "H0="},
      {R"("a b")", "H0=a b"},
      {R"(" a")", "H0==?base64?IGE=?="},
      {R"("a\r\nX-Evil: 1")", "H0==?base64?YQ0KWC1FdmlsOiAx?="},
      {R"("\u00e9")", "H0==?base64?w6k=?="},
      {R"("\ud83d\ude00")", "H0==?base64?8J+YgA==?="},
      {R"("=?base64?x?=")", "H0==?base64?PT9iYXNlNjQ/eD89?="},
      {R"("42")", "H0=42"},
      {"true", "H0=true"},
      {"false", "H0=false"},
      {"null", ""},
      {"0", "H0=0"},
      {"-0", "H0=0"},
      {"-7", "H0=-7"},
      {"42", "H0=42"},
      {"42.0", "H0=42"},
      {"4.2e1", "H0=42"},
      {"420E-1", "H0=42"},
      {"9007199254740991", "H0=9007199254740991"},
      {"-9007199254740991", "H0=-9007199254740991"},
      {"9007199254740992", "bad_argument /a"},
      {"-9007199254740992", "bad_argument /a"},
      {"1e15", "H0=1000000000000000"},
      {"1e16", "bad_argument /a"},
      {"1e400", "bad_argument /a"},
      {"1.5", "bad_argument /a"},
      {"1e-3", "bad_argument /a"},
      {"{}", "bad_argument /a"},
      {"[]", "bad_argument /a"},
      {R"(["a"])", "bad_argument /a"},
  };
  for (const auto& row : table) EXPECT_EQ(call("{\"a\":" + std::string(row.value) + "}", {"/a"}), row.sent) << row.value;
}

TEST(ToolHeaders, FindsTheArgumentsOfACall) {
  EXPECT_EQ(call("", {"/a"}), "");
  EXPECT_EQ(call("{}", {"/a", "/a/b"}), "");
  EXPECT_EQ(call(R"({"b":"x"})", {"/a", "/b"}), "H1=x");
  EXPECT_EQ(call(R"({"o":{"l":7},"l":8})", {"/o/l", "/l", "/o/l/m", "/o/x"}), "H0=7|H1=8");
  EXPECT_EQ(call(R"({"o":null,"p":"text","q":["a"],"r":7})", {"/o/l", "/p/0", "/q/0", "/r/l"}), "");
  EXPECT_EQ(call(R"({"a/b~c":{"":"x","~1":"y","/":"z"}})", {"/a~1b~0c/", "/a~1b~0c/~01", "/a~1b~0c/~1"}), "H0=x|H1=y|H2=z");
  EXPECT_EQ(call(R"({"\u0061":"x"})", {"/a"}), "H0=x");
  EXPECT_EQ(call(R"( { "a" : "x" , "b" : 1 } )", {"/b", "/a"}), "H0=1|H1=x");
  EXPECT_EQ(call(R"({"a":"x","a":"y"})", {"/a"}), "H0=y");  // as JavaScript reads it
  EXPECT_EQ(call(R"({"o":{"l":1.5}})", {"/o/l"}), "bad_argument /o/l");
}

TEST(ToolHeaders, RefusesHeadersThatAreTooLarge) {
  const auto with = [](std::size_t size) { return R"({"a":")" + std::string(size, 'x') + R"(","b":"y"})"; };
  EXPECT_EQ(call(with(65535), {"/a", "/b"}).size(), 65535 + 3 + 5U);
  EXPECT_EQ(call(with(65536), {"/a"}).size(), 65536 + 3U);
  EXPECT_EQ(call(with(65536), {"/a", "/b"}), "too_large /b");
  EXPECT_EQ(call(with(65537), {"/a"}), "too_large /a");
}

// What a reader finds is where a caller finds it.
TEST(ToolHeaders, FillsTheHeadersThatItRead) {
  const auto wanted =
      read_tool_headers(properties(R"("a/b":{"properties":{"~":)" + good + R"(}},"n":)" + annotated("\"integer\"", "\"N\"")))
          .value();
  const http::header_list expected = {{"Mcp-Param-A", "v"}, {"Mcp-Param-N", "3"}};
  EXPECT_EQ(headers_of_call(wanted, R"({"n":3,"a/b":{"~":"v"}})").value(), expected);
}

}  // namespace
}  // namespace mcpstate::mcp
