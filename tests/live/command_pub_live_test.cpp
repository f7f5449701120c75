// `tidegate pub` and `tidegate sub`, and tags on a real primary and its replica.
#include <string>

#include <doctest/doctest.h>

#include "support/cluster.hpp"
#include "support/eventually.hpp"
#include "tests/live/command_mesh.hpp"

using namespace std::chrono_literals;
using namespace tidegate::support;
using namespace tidegate::testing;

TEST_CASE("where there is no peer, peers and pub say so") {
  const CommandMesh mesh;
  const auto peers = mesh.run({"peers", "--wait", "200ms"});
  CHECK(peers.status == 3);
  CHECK(contains(peers.errors, "within 200ms"));
  const auto pub = mesh.run({"pub", "topic", "text", "--wait", "200ms"});
  CHECK(pub.status == 3);
  CHECK(contains(pub.errors, "nothing was published"));
  CHECK(mesh.run({"pub", "topic", "text", "--wait", "200ms", "--allow-none"}).status == 0);
}

TEST_CASE("25 pub through a running peer leave one row in every roster, not 25") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  for (int i = 1; i <= 25; ++i) {
    const auto ran = mesh.run({"pub", "builds/1/new", std::to_string(i), "--json"});
    CHECK(ran.errors == "");
    REQUIRE(ran.status == 0);
    CHECK(json::parse(ran.output)["peers"] == 2);
    // The application of the peer that publishes gets it too.
    for (auto* peer : {&pair.a, &pair.b}) {
      CHECK(wait_for(*peer, "delivery")["payload"] == std::to_string(i));
    }
  }
  for (const auto* name : {"a", "b"}) {
    const auto peers = json::parse(mesh.run({"peers", "--json", "--name", name}).output)["peers"];
    CHECK(peers.size() == 2);
    CHECK(peers[0]["state"] == "ready");
    CHECK(peers[1]["state"] == "ready");
  }
  CHECK(mesh.run({"pub", "bytes"}, "\xff").status == 0);
  CHECK(wait_for(pair.b, "delivery")["payload_base64"] == "/w==");
  const auto few = mesh.run({"pub", "x", "y", "--peers", "3", "--wait", "300ms"});
  CHECK(few.status == 3);
  CHECK(contains(few.errors, "only 2 of 3 peers"));
  const auto none =
      mesh.run({"pub", "x", "y", "--after-commit", "--primary", "host=nowhere", "--wait", "10ms"});
  CHECK(none.status != 0);  // no running peer has a primary, so it joins
  const auto homeless = mesh.run({"pub", "x", "y", "--after-commit"});
  CHECK(homeless.status == 2);
  CHECK(contains(homeless.errors, "no peer with one runs here"));
}

TEST_CASE("a change that pub makes goes through the running peer with its position") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 300ms});
  cluster.primary().execute("CREATE TABLE jobs (id int PRIMARY KEY)");
  const CommandMesh mesh;
  auto peer = mesh.start({"peer", "--name", "app", "--database", replica.connection_string(),
                          "--primary", cluster.primary().connection_string()});
  wait_for(peer, "server_up");
  const auto server = cluster.primary().connection_string();
  const auto pub = mesh.run({"pub", "jobs/7/new", "7", "--primary", server, "--after",
                             "INSERT INTO jobs VALUES (7)", "--json"});
  CHECK(pub.errors == "");
  CHECK(pub.status == 0);
  const auto delivery = wait_for(peer, "delivery");
  CHECK(delivery["name"] == "app pub");
  CHECK(delivery["position"] == json::parse(pub.output)["position"]);
  CHECK(replica.value("SELECT count(*) FROM jobs") == "1");
  cluster.primary().execute("INSERT INTO jobs VALUES (8)");
  CHECK(mesh.run({"pub", "jobs/8/new", "8", "--primary", server, "--after-commit"}).status == 0);
  CHECK(wait_for(peer, "delivery")["position"].is_object());
  CHECK(replica.value("SELECT count(*) FROM jobs") == "2");
  const auto bad = mesh.run({"pub", "x", "y", "--primary", server, "--after", "nonsense"});
  CHECK(bad.status == 1);
  CHECK(contains(bad.errors, "nothing was announced"));
}

TEST_CASE("a pub that joins publishes to all peers that are there") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  const auto ran = mesh.run({"pub", "builds/1/new", "hello", "--json", "--join"});
  CHECK(ran.status == 0);
  CHECK(json::parse(ran.output)["peers"] == 2);
  for (auto* peer : {&pair.a, &pair.b}) {
    const auto delivery = wait_for(*peer, "delivery");
    CHECK(delivery["topic"] == json{"builds", "1", "new"});
    CHECK(delivery["payload"] == "hello");
    CHECK(wait_for(*peer, "peer_gone")["why"] == "left");
  }
  CHECK(mesh.run({"pub", "piped", "--join"}, "from standard input").status == 0);
  CHECK(wait_for(pair.a, "delivery")["payload"] == "from standard input");
  CHECK(mesh.run({"pub", "empty", "", "--join"}).status == 0);
  CHECK(wait_for(pair.a, "delivery")["payload"] == "");

  const auto few = mesh.run({"pub", "x", "y", "--peers", "3", "--wait", "2s", "--join"});
  CHECK(few.status == 3);
  CHECK(contains(few.errors, "only 2 of 3 peers"));
}

TEST_CASE("a pub that is stopped while it waits for peers says farewell and publishes nothing") {
  const CommandMesh mesh;
  CommandPair pair(mesh);
  auto pub = mesh.start({"pub", "topic", "text", "--peers", "3", "--wait", "60s", "--join"});
  wait_for(pair.a, "peer_ready");
  pub.send(SIGINT);
  const auto ran = CommandMesh::finish(std::move(pub));
  CHECK(ran.status == 1);
  CHECK(contains(ran.errors, "stopped before anything was published"));
  const auto next = wait_for(pair.a, [](const json& line) {
    return line["type"] == "delivery" || line["type"] == "peer_gone";
  });
  CHECK(next["type"] == "peer_gone");
  CHECK(next["why"] == "left");
}

TEST_CASE("sub prints the messages that match, and counts") {
  const CommandMesh mesh;
  auto sub = mesh.start({"sub", "builds/#", "--count", "2", "--timeout", "20s"});
  CHECK(mesh.run({"pub", "jobs/1", "no", "--wait", "10s"}).status == 0);
  CHECK(mesh.run({"pub", "builds/1", "one", "--wait", "10s"}).status == 0);
  CHECK(mesh.run({"pub", "builds/2", "two", "--wait", "10s"}).status == 0);
  const auto ran = CommandMesh::finish(std::move(sub));
  CHECK(ran.status == 0);
  CHECK(contains(ran.output, "builds/1  one  (tidegate pub ("));
  CHECK(contains(ran.output, "builds/2  two"));
  CHECK(lacks(ran.output, "jobs"));

  const auto late = mesh.run({"sub", "--count", "1", "--timeout", "100ms"});
  CHECK(late.status == 3);
  CHECK(contains(late.errors, "0 of 1 deliveries came within 100ms"));
  CHECK(mesh.run({"sub", "--timeout", "100ms"}).status == 0);
}

TEST_CASE("pub announces a change that sub gets once its replica shows it") {
  Cluster cluster;
  auto& replica = cluster.add_replica({.apply_delay = 300ms});
  cluster.primary().execute("CREATE TABLE jobs (id int PRIMARY KEY)");
  const CommandMesh mesh;
  auto sub = mesh.start({"sub", "--json", "--count", "1", "--database", replica.connection_string(),
                         "--timeout", "20s"});
  const auto pub =
      mesh.run({"pub", "jobs/7/new", "7", "--primary", cluster.primary().connection_string(),
                "--after", "INSERT INTO jobs VALUES (7)", "--json", "--wait", "10s"});
  CHECK(pub.status == 0);
  CHECK(pub.errors == "");
  const auto line = sub.read_line(command_bound);
  REQUIRE(line.has_value());
  CHECK(replica.value("SELECT count(*) FROM jobs") == "1");
  const auto delivery = json::parse(*line);
  CHECK(delivery["position"] == json::parse(pub.output)["position"]);
  CHECK(delivery["held_ms"] > 0);
  CHECK(ended(sub) == 0);
}

TEST_CASE("a change that fails is rolled back and not announced") {
  Cluster cluster;
  auto& primary = cluster.primary();
  primary.execute("CREATE TABLE jobs (id int PRIMARY KEY)");
  const CommandMesh mesh;
  auto peer = mesh.start({"peer"});
  const auto pub = [&](const std::string& sql, const Arguments& more = {}) {
    Arguments arguments = {"pub",     "x", "y", "--primary", primary.connection_string(),
                           "--after", sql};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return mesh.run(arguments);
  };
  const auto failed = pub("INSERT INTO jobs VALUES (1); INSERT INTO jobs VALUES (1)");
  CHECK(failed.status == 1);
  CHECK(contains(failed.errors, "rolled back"));
  CHECK(contains(failed.errors, "duplicate key"));
  CHECK(contains(failed.errors, "nothing was announced"));
  CHECK(primary.value("SELECT count(*) FROM jobs") == "0");

  CHECK(contains(pub("COPY jobs FROM STDIN").errors, "COPY"));
  CHECK(contains(pub("COMMIT").errors, "have ended the transaction themselves"));

  // Nobody there: not even committed.
  const CommandMesh empty;
  const auto alone =
      empty.run({"pub", "x", "y", "--wait", "100ms", "--primary", primary.connection_string(),
                 "--after", "INSERT INTO jobs VALUES (2)"});
  CHECK(alone.status == 3);
  CHECK(contains(alone.errors, "nothing was committed or published"));
  CHECK(primary.value("SELECT count(*) FROM jobs") == "0");

  const auto homeless = mesh.run({"pub", "x", "y", "--after", "SELECT 1"});
  CHECK(homeless.status == 2);
  CHECK(contains(homeless.errors, "--primary"));

  // The only message that came is the one whose change was made.
  CHECK(pub("INSERT INTO jobs VALUES (3)").status == 0);
  CHECK(wait_for(peer, "delivery")["sequence"] == 1);
  CHECK(primary.value("SELECT count(*) FROM jobs") == "1");
}

TEST_CASE("pub --after-commit and the lines of a peer announce commits of another session") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const CommandMesh mesh;
  auto receiver = mesh.start({"peer", "--name", "receiver"});
  auto publisher = mesh.start({"peer", "--primary", primary.connection_string()});
  wait_for(receiver, "peer_ready");
  primary.execute("CREATE TABLE jobs ()");
  // Through the peer that has a primary, or as one of its own.
  for (const auto& how :
       {Arguments{}, Arguments{"--join", "--primary", primary.connection_string()}}) {
    Arguments arguments = {"pub", "x", "y", "--after-commit", "--json"};
    arguments.insert(arguments.end(), how.begin(), how.end());
    const auto pub = mesh.run(arguments);
    CHECK(pub.errors == "");
    REQUIRE(pub.status == 0);
    const auto published = json::parse(pub.output);
    const auto delivery = wait_for(receiver, "delivery");
    CHECK(published["token"].is_string());
    CHECK(published["token"] == delivery["token"]);
    CHECK(published["position"] == delivery["position"]);
  }
  publisher.write("{\"topic\":\"a\",\"depends\":\"commit\",\"durable\":true,\"id\":\"first\"}\n");
  const auto position = wait_for(receiver, "delivery")["position"];
  const auto sent = wait_for(publisher, "sent");
  CHECK(sent["id"] == "first");
  CHECK(sent["ticket"] == 1);
  CHECK(sent["sequence"] == 1);
  CHECK(sent["position"] == position);
  CHECK(position["history"][0]["timeline"] == 1);
  CHECK(position["system"] == primary.value("SELECT system_identifier FROM pg_control_system()"));

  publisher.write("{\"topic\":\"b\",\"depends\":" + position.dump() + "}\n");
  CHECK(wait_for(receiver, "delivery")["position"] == position);
}

TEST_CASE("while too many are unsent, standard input is not read and nothing is lost") {
  Cluster cluster;
  auto& primary = cluster.primary();
  const CommandMesh mesh;
  auto receiver = mesh.start({"peer", "--name", "receiver"});
  auto publisher =
      mesh.start({"peer", "--name", "publisher", "--primary", primary.connection_string(),
                  "--unsent-bytes", "20kB", "--payload-bytes", "1kB"});
  wait_for(receiver, "peer_ready");
  wait_for(publisher, "primary_up");
  primary.stop();
  wait_for(publisher, "primary_down");
  constexpr int count = 100;
  for (int i = 0; i < count; ++i) {
    publisher.write("{\"topic\":\"x\",\"payload\":\"" + std::to_string(i) + std::string(500, ' ') +
                    "\",\"depends\":\"commit\"}\n");
  }
  // Thirty of them fit; the others wait in the pipe, not in the peer.
  CHECK(eventually(command_bound, [&] {
    const auto ran = mesh.run({"status", "--json", "--name", "publisher"});
    return json::parse(ran.output)["unsent"] == 30;
  }));
  primary.start();
  // Messages that a restarted primary can't vouch for come back; the rest is sent. Together: all.
  int sent = 0;
  int returned = 0;
  CHECK(eventually(command_bound, [&] {
    const auto status = json::parse(mesh.run({"status", "--json", "--name", "publisher"}).output);
    sent = status["counters"]["published"];
    returned = status["counters"]["unpublished"];
    return sent + returned == count;
  }));
  for (int i = 0; i < sent; ++i) wait_for(receiver, "delivery");
}
