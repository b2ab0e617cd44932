//! What the tests stand on: one cluster for all of them, a database and a server for each.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frontrow_origin::database::{Address, AuditEntry, Database};
use frontrow_origin::postgres::{Cluster, ClusterConfig};
use frontrow_origin::serve::{Server, Shelf, listen};
use frontrow_origin::token::Token;
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, watch};

/// Generous: it bounds a hang, nothing is measured by it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The cluster that all tests of this process share; its keeper stops it when the process ends.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    let open = || async {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("origin-tests/postgres");
        let config = ClusterConfig { home, programs: None, account: "postgres".to_owned() };
        let cluster = tokio::task::spawn_blocking(move || Cluster::open(&config).expect("PostgreSQL"));
        let cluster = cluster.await.unwrap();
        sweep(&cluster).await;
        cluster
    };
    CLUSTER.get_or_init(open).await
}

/// Drops the databases of processes that have ended; each is named after its process.
async fn sweep(cluster: &Cluster) {
    let Address::Socket { folder, role, database } = cluster.address() else { unreachable!() };
    let admin = connect(&folder, &role, &database).await;
    let rows = admin.query("select datname from pg_database where datname ~ '_p[0-9]+$'", &[]).await.unwrap();
    for row in rows {
        let name: String = row.get(0);
        let (_, process) = name.rsplit_once("_p").unwrap();
        if !Path::new("/proc").join(process).exists() {
            admin.batch_execute(&format!("drop database if exists {name} with (force)")).await.unwrap();
        }
    }
}

/// A database of one test's own.
pub(crate) struct Stage {
    pub(crate) database: Database,
    pub(crate) client: tokio_postgres::Client,
    pub(crate) folder: tempfile::TempDir,
    /// Empty until a test puts models into the folder and refreshes it.
    pub(crate) shelf: Arc<Shelf>,
    _stop: watch::Sender<bool>,
    server: SocketAddr,
    pub(crate) http: reqwest::Client,
}

impl Stage {
    /// `name` is the test's own, so that no two meet.
    pub(crate) async fn new(name: &str) -> Self {
        let cluster = cluster().await;
        let Address::Socket { folder: socket, role, database } = cluster.address() else { unreachable!() };
        let admin = connect(&socket, &role, &database).await;
        let name = format!("{name}_p{}", std::process::id());
        // An earlier process may have had our number.
        admin.batch_execute(&format!("drop database if exists {name} with (force)")).await.unwrap();
        admin.batch_execute(&format!("create database {name}")).await.unwrap();
        let address = Address::Socket { folder: socket.clone(), role: role.clone(), database: name.clone() };
        let database = Database::open(&address).await.unwrap();
        let client = connect(&socket, &role, &name).await;
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let shelf = Arc::new(Shelf::new(folder.path()));
        let router = Server::new(database.clone(), &folder.path().join("tuf"), Arc::clone(&shelf)).router();
        tokio::spawn(listen(listener, router, stopping));
        Self { database, client, folder, shelf, _stop: stop, server, http: reqwest::Client::new() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server
    }

    /// A node's token, as `node add` makes it.
    pub(crate) async fn token(&self, node: &str) -> Token {
        let token = Token::new(node).unwrap();
        self.database.add_node(node, &token.sha256(), &entry("node-add")).await.unwrap();
        token
    }

    /// The one number that a question has for an answer.
    pub(crate) async fn count(&self, question: &str) -> i64 {
        self.client.query_one(question, &[]).await.unwrap().get(0)
    }
}

async fn connect(socket: &Path, role: &str, database: &str) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config.host_path(socket).user(role).dbname(database);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) fn entry(action: &str) -> AuditEntry {
    AuditEntry {
        actor: "test".to_owned(),
        action: action.to_owned(),
        subject: "test".to_owned(),
        detail: serde_json::json!({}),
    }
}

/// A folder of the MovieTweetings format with these lines.
pub(crate) fn movietweetings(folder: &Path, movies: &str, ratings: &str) -> PathBuf {
    let path = folder.join("movietweetings");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("movies.dat"), movies).unwrap();
    std::fs::write(path.join("ratings.dat"), ratings).unwrap();
    path
}

/// Looks again and again until it is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DEADLINE, "waited in vain until {what}");
        // Another process gives no signal.
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
