//! A real Apache Kafka of one node: its jars come from Maven Central, once, into the target folder.
//!
//! `KEYWARD_TEST_KAFKA=host:port` names a running one, which is then neither started nor stopped.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, Producer};
use tempfile::TempDir;

/// As in `tests/services/kafka/pom.xml`.
const VERSION: &str = "4.3.1";

/// How long a broker may take to start on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(60);

/// The names by which clients of the tests prove who they are.
pub const USERNAME: &str = "audit";
pub const PASSWORD: &str = "hunter2";

pub struct Broker {
    /// Without encryption or identity.
    pub address: String,
    /// SASL over plain text: PLAIN, and OAUTHBEARER with unsigned tokens. Only of one that we started.
    pub sasl: Option<String>,
    /// TLS with the certificate [`Broker::certificate`].
    pub tls: Option<String>,
    own: Option<Own>,
}

/// A broker that we started.
struct Own {
    folder: TempDir,
    jars: PathBuf,
    child: Option<Child>,
}

impl Broker {
    /// One that answers, or nothing where there can be none here; then says why.
    pub fn start() -> Option<Self> {
        if let Ok(address) = std::env::var("KEYWARD_TEST_KAFKA") {
            return Some(Self { address, sasl: None, tls: None, own: None });
        }
        for program in ["java", "mvn", "openssl"] {
            if Command::new(program).arg("-version").output().is_err() {
                skipped(&format!("no `{program}` here; install it or set KEYWARD_TEST_KAFKA=host:port"));
                return None;
            }
        }
        let jars = jars()?;
        let folder = tempfile::tempdir().unwrap();
        let address = || {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            format!("127.0.0.1:{port}")
        };
        let (plain, sasl, tls) = (address(), address(), address());
        certify(folder.path());
        let properties = properties(folder.path(), &plain, &sasl, &tls, &address());
        fs::write(folder.path().join("server.properties"), properties).unwrap();
        let own = Own { folder, jars, child: None };
        own.format();
        let mut broker = Self { address: plain, sasl: Some(sasl), tls: Some(tls), own: Some(own) };
        broker.run();
        Some(broker)
    }

    /// Kills it and starts it again with what it had; nothing where it is not ours. Says whether it is.
    pub fn restart(&mut self, down: Duration) -> bool {
        let Some(own) = &mut self.own else { return false };
        own.kill();
        std::thread::sleep(down);
        self.run();
        true
    }

    /// The certificate to trust, PEM.
    pub fn certificate(&self) -> PathBuf {
        self.own.as_ref().unwrap().folder.path().join("certificate.pem")
    }

    /// A client of it.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config.set("reconnect.backoff.max.ms", "500");
        config
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }

    /// A topic that no other test has.
    pub fn create_topic(&self, name: &str, partitions: i32) -> String {
        let name = format!("{name}-{}", std::process::id());
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        let created = run(self.admin().create_topics([&topic], &AdminOptions::new())).unwrap();
        assert!(created.iter().all(Result::is_ok), "{created:?}");
        name
    }

    fn run(&mut self) {
        if let Some(own) = &mut self.own {
            own.run();
        }
        let deadline = Instant::now() + START_WITHIN;
        let producer: BaseProducer = self.client().create().unwrap();
        while producer.client().fetch_metadata(None, Duration::from_secs(1)).is_err() {
            assert!(Instant::now() < deadline, "the broker does not answer: {}", self.log());
        }
    }

    fn log(&self) -> String {
        let own = self.own.as_ref();
        own.map(|own| fs::read_to_string(own.folder.path().join("log")).unwrap()).unwrap_or_default()
    }
}

impl Own {
    fn java(&self, class: &str) -> Command {
        let mut java = Command::new("java");
        java.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        java.arg(format!("{}/*", self.jars.display())).arg(class);
        java.stdin(Stdio::null());
        java
    }

    fn format(&self) {
        let mut format = self.java("kafka.tools.StorageTool");
        format.args(["format", "--standalone", "-t", "a2V5d2FyZC10ZXN0cy0xMg", "-c"]);
        let output = format.arg(self.folder.path().join("server.properties")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut kafka = self.java("kafka.Kafka");
        kafka.arg(self.folder.path().join("server.properties"));
        kafka.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(kafka.spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs what the admin client promises.
pub fn run<T>(promise: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(promise)
}

#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// The broker's jars, fetched if they are not there.
fn jars() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let jars = target.join(format!("kafka-{VERSION}"));
    if jars.is_dir() {
        return Some(jars);
    }
    let fetched = tempfile::tempdir_in(target).unwrap();
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/kafka/pom.xml");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(pom);
    maven.arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies");
    maven.arg(format!("-DoutputDirectory={}", fetched.path().join("jars").display()));
    let output = maven.output().unwrap();
    if !output.status.success() {
        skipped(&format!("no jars of Kafka: {}", String::from_utf8_lossy(&output.stdout)));
        return None;
    }
    // Another test may have been faster.
    let _ = fs::rename(fetched.path().join("jars"), &jars);
    Some(jars)
}

/// A key and a certificate of the broker, and both in the one file that Kafka wants.
fn certify(folder: &Path) {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let output = openssl.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let both = fs::read_to_string(key).unwrap() + &fs::read_to_string(certificate).unwrap();
    fs::write(folder.join("store.pem"), both).unwrap();
}

fn properties(folder: &Path, plain: &str, sasl: &str, tls: &str, controller: &str) -> String {
    let folder = folder.display();
    let module = "org.apache.kafka.common.security";
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{plain},SASL_PLAINTEXT://{sasl},SSL://{tls},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{plain},SASL_PLAINTEXT://{sasl},SSL://{tls}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL
controller.quorum.bootstrap.servers={controller}
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
sasl.enabled.mechanisms=PLAIN,OAUTHBEARER
listener.name.sasl_plaintext.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_{USERNAME}=\"{PASSWORD}\";
listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config={module}.oauthbearer.OAuthBearerLoginModule required;
listener.name.ssl.ssl.keystore.type=PEM
listener.name.ssl.ssl.keystore.location={folder}/store.pem
"
    )
}
