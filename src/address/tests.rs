//! Every shape as a table, and passwords planted in all of them.

use proptest::prelude::*;

use super::scheme::SCHEMES;
use super::*;

fn told(text: &str) -> String {
    match parse(text) {
        Parsed::Other => "other".to_owned(),
        Parsed::Broken(why) => format!("broken: {why}"),
        Parsed::Address(address) => {
            let hosts: Vec<String> = address.hosts.iter().map(named).collect();
            format!(
                "{} [{}] {} {} | {}",
                address.scheme,
                hosts.join(" "),
                address.database.as_deref().unwrap_or("-"),
                address.user.as_deref().unwrap_or("-"),
                address.shown()
            )
        }
    }
}

fn named(host: &Host) -> String {
    host.port.map_or_else(|| host.name.clone(), |port| format!("{}:{port}", host.name))
}

/// A connection string; scheme, hosts, database and user read from it | what is shown.
#[rustfmt::skip]
const ROWS: &[(&str, &str)] = &[
    ("postgres://app:s3cret@db.prod.acme.example:5432/orders", "postgres [db.prod.acme.example:5432] orders app | db.prod.acme.example/orders"),
    ("postgresql://app:s3cret@db.prod.acme.example:6543/orders?sslmode=require", "postgres [db.prod.acme.example:6543] orders app | db.prod.acme.example:6543/orders"),
    ("POSTGRES://app:s3cret@DB.example/Orders", "postgres [DB.example] Orders app | DB.example/Orders"),
    ("postgresql+psycopg2://app:pw@db1/orders", "postgres [db1] orders app | db1/orders"),
    ("postgresql+asyncpg://app:pw@db1:5433/orders", "postgres [db1:5433] orders app | db1:5433/orders"),
    ("postgres://db1", "postgres [db1] - - | db1"),
    ("postgres://db1/", "postgres [db1] - - | db1"),
    ("postgres:///orders", "postgres [] orders - | /orders"),
    ("postgres://", "postgres [] - - | "),
    ("postgres:///orders?host=prod-db&port=5433", "postgres [prod-db:5433] orders - | prod-db:5433/orders"),
    ("postgres:///orders?host=/var/run/postgresql", "postgres [/var/run/postgresql] orders - | /var/run/postgresql/orders"),
    ("postgres://localhost/orders?host=prod-db", "postgres [prod-db] orders - | prod-db/orders"),
    ("postgres://%2Fvar%2Frun%2Fpostgresql/orders", "postgres [/var/run/postgresql] orders - | /var/run/postgresql/orders"),
    ("postgres://app@%2Fcloudsql%2Fproj%3Aeu%3Aprod-db/orders", "postgres [/cloudsql/proj:eu:prod-db] orders app | /cloudsql/proj:eu:prod-db/orders"),
    ("postgres://app:pw@h1,h2:6543,h3:5432/orders?target_session_attrs=any", "postgres [h1 h2:6543 h3:5432] orders app | h1,h2:6543,h3/orders"),
    ("postgres:///orders?host=h1,h2&port=5432,6543", "postgres [h1:5432 h2:6543] orders - | h1,h2:6543/orders"),
    ("postgresql+psycopg://app@/orders?host=h1:5432&host=h2:6543", "postgres [h1:5432 h2:6543] orders app | h1,h2:6543/orders"),
    ("postgres://app:pw@[2001:db8::1]:6543/orders", "postgres [2001:db8::1:6543] orders app | [2001:db8::1]:6543/orders"),
    ("postgres://[::1]/orders", "postgres [::1] orders - | [::1]/orders"),
    ("postgres://app:pw@[fe80::1%25eth0]:5432/x", "postgres [fe80::1%eth0:5432] x app | [fe80::1%eth0]/x"),
    ("postgres://[nonsense]/x", "broken: names a host or port that can't be read"),
    ("postgres://app:p%40ss@db1/or%64ers", "postgres [db1] orders app | db1/orders"),
    ("postgres://ap%3Ap:pw@db1/x", "postgres [db1] x ap | db1/x"),
    ("postgres://app:pw@db%2dprod/x%zz", "postgres [db-prod] x%zz app | db-prod/x%zz"),
    (r#""postgres://app:pw@db1/x""#, "postgres [db1] x app | db1/x"),
    ("  'postgres://app:pw@db1/x'  ", "postgres [db1] x app | db1/x"),
    ("postgres://app:p@ss@db1/x", "postgres [db1] x app | db1/x"),
    ("postgres://app:p/ss@db1/x", "postgres [db1] x app | db1/x"),
    ("postgres://app:p#ss@db1/x?sslmode=disable", "postgres [db1] x app | db1/x"),
    ("postgres://app:p?ss@db1/x?sslmode=disable", "postgres [db1] x app | db1/x"),
    ("postgres://app:p:ss@db1/x", "postgres [db1] x app | db1/x"),
    ("postgres://app:p[s]s@db1/x", "postgres [db1] x app | db1/x"),
    ("postgres://app:p ss%@db1/x", "postgres [db1] x app | db1/x"),
    ("postgres://app:p@s/s@db1/x", "broken: can't be told where its password ends"),
    ("postgres://app:12/34@db1/x", "broken: can't be told where its password ends"),
    ("postgres://app:12?34@db1/x", "broken: can't be told where its password ends"),
    ("postgres://app:/34@db1/x", "broken: can't be told where its password ends"),
    ("postgres://app/34@db1/x", "broken: can't be told where its password ends"),
    ("postgres://db1/x?user=me@corp.example&password=p@ss/w?rd", "postgres [db1] x me@corp.example | db1/x"),
    ("postgres://db1:5432/x?options=a@b", "postgres [db1:5432] x - | db1/x"),
    ("postgres://db1/x?odd=a@b", "broken: can't be told where its password ends"),
    ("postgres://db1:5432/x?odd=a@b", "broken: can't be told where its password ends"),
    ("postgres://app:secret", "broken: names a host or port that can't be read"),
    ("postgres://app:99999@", "postgres [] - app | "),
    ("postgres://db1:99999/x", "broken: names a host or port that can't be read"),
    ("postgres://db1:54x2/x", "broken: names a host or port that can't be read"),
    ("postgres://app%3Apw%40db1/x", "broken: names a host or port that can't be read"),
    ("postgres://app@server:pw@server.postgres.database.azure.com:5432/x", "postgres [server.postgres.database.azure.com:5432] x app@server | server.postgres.database.azure.com/x"),
    ("postgres://app@db1/x?password=a&host=db2", "postgres [db2] x app | db2/x"),
    ("postgres://db1/x?password=p#q&dbname=y", "postgres [db1] y - | db1/y"),
    ("postgres://db1/postgres://app:pw@db2/x", "broken: can't be told where its password ends"),
    ("postgres://${DB_USER}:${DB_PASS}@${DB_HOST}:5432/x", "postgres [${DB_HOST}:5432] x ${DB_USER} | ${DB_HOST}/x"),
    ("cockroachdb://root@crdb-prod:26257/bank", "cockroachdb [crdb-prod:26257] bank root | crdb-prod/bank"),
    ("redshift://u:p@c.eu.redshift.amazonaws.com:5439/dw", "redshift [c.eu.redshift.amazonaws.com:5439] dw u | c.eu.redshift.amazonaws.com/dw"),
    ("mysql://app:pw@db1/shop", "mysql [db1] shop app | db1/shop"),
    ("mysql2://app:pw@db1:3307/shop?encoding=utf8", "mysql [db1:3307] shop app | db1:3307/shop"),
    ("mysql+pymysql://app:pw@db1/shop?charset=utf8mb4", "mysql [db1] shop app | db1/shop"),
    ("mariadb+mariadbconnector://app:pw@db1/shop", "mariadb [db1] shop app | db1/shop"),
    ("mysql://app:pw@tcp(db1:3307)/shop?parseTime=true", "mysql [db1:3307] shop app | db1:3307/shop"),
    ("app:pw@tcp(db1:3306)/shop?parseTime=true", "mysql [db1:3306] shop app | db1/shop"),
    ("app:p@/(:x@tcp(db1)/shop", "mysql [db1] shop app | db1/shop"),
    ("app@unix(/var/run/mysqld.sock)/shop", "mysql [/var/run/mysqld.sock] shop app | /var/run/mysqld.sock/shop"),
    ("tcp(db1:3306)/shop", "mysql [db1:3306] shop - | db1/shop"),
    ("app:pw@cloudsql(proj:eu:prod)/shop", "mysql [/cloudsql/proj:eu:prod] shop app | /cloudsql/proj:eu:prod/shop"),
    ("app:pw@tcp([::1]:3306)/shop", "mysql [::1:3306] shop app | [::1]/shop"),
    ("app:pw@tcp(db1:3306)/shop?x=a@b", "broken: can't be told where its password ends"),
    ("mysql://app:pw@x(y)/z@db1/shop", "broken: can't be told where its password ends"),
    ("mongodb://app:pw@m1:27017,m2:27018,m3/shop?replicaSet=rs0", "mongodb [m1:27017 m2:27018 m3] shop app | m1,m2:27018,m3/shop"),
    ("mongodb+srv://app:pw@cluster0.prod.mongodb.net/shop?retryWrites=true", "mongodb [cluster0.prod.mongodb.net] shop app | cluster0.prod.mongodb.net/shop"),
    ("mongodb://m1/?authSource=admin", "mongodb [m1] - - | m1"),
    ("redis://:pw@cache-prod:6379/0", "redis [cache-prod:6379] 0 - | cache-prod/0"),
    ("rediss://default:pw@cache-prod:6380", "redis [cache-prod:6380] - default | cache-prod:6380"),
    ("redis://token123@cache-prod", "redis [cache-prod] - - | cache-prod"),
    ("redis://cache-prod?password=x@y/z", "redis [cache-prod] - - | cache-prod"),
    ("redis+sentinel://:pw@s1:26379,s2:26379/mymaster/0", "redis [s1:26379 s2:26379] mymaster/0 - | s1:26379,s2:26379/mymaster/0"),
    ("valkey://cache-prod", "redis [cache-prod] - - | cache-prod"),
    ("redis+socket:///run/redis.sock", "redis [/run/redis.sock] - - | /run/redis.sock"),
    ("unix://:pw@/run/redis.sock?db=0", "unix [/run/redis.sock] - - | /run/redis.sock"),
    ("cache-prod:6380,password=a@b/c,ssl=True,abortConnect=False", "redis [cache-prod:6380] - - | cache-prod:6380"),
    ("amqp://guest:guest@mq-prod/%2F", "amqp [mq-prod] - guest | mq-prod"),
    ("amqps://u:p@mq-prod:5671/vhost", "amqp [mq-prod:5671] vhost u | mq-prod:5671/vhost"),
    ("amqp://u:p@mq1:5672,amqp://u:p@mq2:5672/v", "amqp [mq1:5672 mq2:5672] v u | mq1,mq2/v"),
    ("amqp://u:p@mq1:5672,u:p@mq2:5672/v", "amqp [mq1:5672 mq2:5672] v u | mq1,mq2/v"),
    ("amqp://u:p@mq1:5672,v:q@mq2:5672/v", "broken: can't be told where its password ends"),
    ("pyamqp://u:p@mq1//", "amqp [mq1] - u | mq1"),
    ("Endpoint=sb://bus-prod.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=abc/d=;EntityPath=orders", "amqp [bus-prod.servicebus.windows.net] orders - | bus-prod.servicebus.windows.net/orders"),
    ("AccountEndpoint=https://cosmos-prod.documents.azure.com:443/;AccountKey=abc==;", "cosmosdb [cosmos-prod.documents.azure.com:443] - - | cosmos-prod.documents.azure.com"),
    ("kafka://b1:9092,b2:9093/topic", "kafka [b1:9092 b2:9093] topic - | b1,b2:9093/topic"),
    ("kafka+ssl://u:p@b1", "kafka [b1] - u | b1"),
    ("nats://u:p@n1:4222,nats://u:p@n2:4223", "nats [n1:4222 n2:4223] - u | n1,n2:4223"),
    ("nats://s3cr3t@n1", "nats [n1] - - | n1"),
    ("clickhouse://u:p@ch-prod:9440/logs", "clickhouse [ch-prod:9440] logs u | ch-prod:9440/logs"),
    ("clickhouse+native://u:p@ch-prod/logs", "clickhouse [ch-prod] logs u | ch-prod/logs"),
    ("sqlserver://sa:p;w@db1:1433?database=orders", "sqlserver [db1:1433] orders sa | db1/orders"),
    ("sqlserver://sa:pw@db1/SQLEXPRESS?database=orders", "sqlserver [db1] orders sa | db1/orders"),
    ("sqlserver://db1:1433;database=orders;user=sa;password={p;w@x};encrypt=true", "sqlserver [db1:1433] orders sa | db1/orders"),
    ("mssql+pyodbc://sa:pw@db1/orders?driver=ODBC+Driver+17", "sqlserver [db1] orders sa | db1/orders"),
    ("mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC+Driver+17%7D%3BSERVER%3Ddb1%2C1434%3BDATABASE%3Dorders%3BUID%3Dsa%3BPWD%3Dp%40w", "sqlserver [db1:1434] orders sa | db1:1434/orders"),
    ("oracle://scott:tiger@db1:1521/ORCL", "oracle [db1:1521] ORCL scott | db1/ORCL"),
    ("oracle+cx_oracle://scott:tiger@db1:1521/?service_name=ORCL", "oracle [db1:1521] ORCL scott | db1/ORCL"),
    ("oracle+oracledb://scott:ti@er@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))(CONNECT_DATA=(SID=X)))", "oracle [db1:1521] X scott | db1/X"),
    ("cassandra://u:p@c1,c2/ks", "cassandra [c1 c2] ks u | c1,c2/ks"),
    ("scylla://c1", "scylla [c1] - - | c1"),
    ("neo4j+s://u:p@graph-prod.databases.neo4j.io", "neo4j [graph-prod.databases.neo4j.io] - u | graph-prod.databases.neo4j.io"),
    ("bolt://u:p@g1:7687", "neo4j [g1:7687] - u | g1"),
    ("couchbases://u:p@cb1/bucket", "couchbase [cb1] bucket u | cb1/bucket"),
    ("memcached://m1:11211,m2:11211", "memcached [m1:11211 m2:11211] - - | m1,m2"),
    ("snowflake://u:p@acme-prod/DB/SCHEMA?warehouse=wh", "snowflake [acme-prod] DB/SCHEMA u | acme-prod/DB/SCHEMA"),
    ("trino://u:p@trino-prod:8443/hive/sales", "trino [trino-prod:8443] hive/sales u | trino-prod:8443/hive/sales"),
    ("presto://u@presto1/hive", "presto [presto1] hive u | presto1/hive"),
    ("db2://u:p@db1:50000/S", "db2 [db1:50000] S u | db1/S"),
    ("vertica://u:p@v1/dw", "vertica [v1] dw u | v1/dw"),
    ("elasticsearch://u:p@es1,es2/idx", "elasticsearch [es1 es2] idx u | es1,es2/idx"),
    ("opensearch://os1", "opensearch [os1] - - | os1"),
    ("influxdb://u:p@i1:8086/m", "influxdb [i1:8086] m u | i1/m"),
    ("etcd://e1:2379,e2:2379", "etcd [e1:2379 e2:2379] - - | e1,e2"),
    ("zookeeper://z1,z2,z3:2181/kafka", "zookeeper [z1 z2 z3:2181] kafka - | z1,z2,z3/kafka"),
    ("pulsar+ssl://p1:6651", "pulsar [p1:6651] - - | p1:6651"),
    ("mqtts://u:p@mq1:8883", "mqtt [mq1:8883] - u | mq1:8883"),
    ("stomp://u:p@mq1", "stomp [mq1] - u | mq1"),
    ("bigquery://acme-prod/sales", "bigquery [acme-prod] sales - | acme-prod/sales"),
    ("sqs://AKIAIOSFODNN7EXAMPLE:secret@", "sqs [] - - | "),
    ("jdbc:postgresql://h1:5432,h2:6543/orders?user=app&password=p@s/s", "postgres [h1:5432 h2:6543] orders app | h1,h2:6543/orders"),
    ("jdbc:postgresql:orders", "postgres [] orders - | /orders"),
    ("JDBC:POSTGRESQL://db1/orders", "postgres [db1] orders - | db1/orders"),
    (r#"jdbc:sqlserver://db1\PROD:1433;databaseName=orders;user=sa;password=p@s/s?x#y"#, r#"sqlserver [db1\PROD:1433] orders sa | db1\PROD/orders"#),
    ("jdbc:sqlserver://;serverName=db1;portNumber=1434;databaseName=orders", "sqlserver [db1:1434] orders - | db1:1434/orders"),
    ("jdbc:jtds:sqlserver://db1:1433/orders;user=sa;password=p@w", "sqlserver [db1:1433] orders sa | db1/orders"),
    ("jdbc:oracle:thin:@//db1:1521/orders.prod", "oracle [db1:1521] orders.prod - | db1/orders.prod"),
    ("jdbc:oracle:thin:@db1:1521:ORCL", "oracle [db1:1521] ORCL - | db1/ORCL"),
    ("jdbc:oracle:thin:@db1:1521/svc", "oracle [db1:1521] svc - | db1/svc"),
    ("jdbc:oracle:thin:scott/ti@g/er@db1:1521:ORCL", "oracle [db1:1521] ORCL scott | db1/ORCL"),
    ("jdbc:oracle:thin:@tcps://db1:2484/svc", "oracle [db1:2484] svc - | db1:2484/svc"),
    ("jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS_LIST=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))(ADDRESS=(PORT=1522)(HOST=db2)))(CONNECT_DATA=(SERVICE_NAME=orders)))", "oracle [db1:1521 db2:1522] orders - | db1,db2:1522/orders"),
    ("jdbc:oracle:thin:@PRODDB?TNS_ADMIN=/etc", "oracle [PRODDB] - - | PRODDB"),
    ("jdbc:oracle:oci:@db1", "oracle [db1] - - | db1"),
    ("jdbc:mysql://app:p;w@db1:3306/shop", "mysql [db1:3306] shop app | db1/shop"),
    ("jdbc:mysql:loadbalance://h1,h2:3307/shop?user=u&password=p", "mysql [h1 h2:3307] shop u | h1,h2:3307/shop"),
    ("jdbc:mysql:replication://h1,h2/shop", "mysql [h1 h2] shop - | h1,h2/shop"),
    ("jdbc:mysql://address=(host=db1)(port=3307)(user=u)(password=p@/x)/shop", "mysql [db1:3307] shop - | db1:3307/shop"),
    ("jdbc:mysql://u:p@x@address=(host=db1)(port=3306),address=(port=3308)(host=db2)/shop", "mysql [db1:3306 db2:3308] shop u | db1,db2:3308/shop"),
    ("jdbc:mysql://(host=db1,port=3309,user=u,password=p)/shop", "mysql [db1:3309] shop - | db1:3309/shop"),
    ("jdbc:mysql://[(host=db1),(host=db2,port=3307)]/shop?user=me", "mysql [db1 db2:3307] shop me | db1,db2:3307/shop"),
    ("jdbc:mariadb:sequential://h1,h2/shop", "mariadb [h1 h2] shop - | h1,h2/shop"),
    ("jdbc:aws-wrapper:mysql://db1/shop", "mysql [db1] shop - | db1/shop"),
    ("jdbc:snowflake://acme.snowflakecomputing.com/?db=PROD&user=me&password=x", "snowflake [acme.snowflakecomputing.com] PROD me | acme.snowflakecomputing.com/PROD"),
    ("jdbc:redshift:iam://c:5439/dw", "redshift [c:5439] dw - | c/dw"),
    ("jdbc:db2://db1:50000/S:user=u;password=p@w;", "db2 [db1:50000] S u | db1/S"),
    ("jdbc:hive2://h1,h2/db;principal=hive/_HOST@REALM", "hive [h1 h2] db - | h1,h2/db"),
    ("jdbc:clickhouse:http://ch1:8123/logs", "clickhouse [ch1:8123] logs - | ch1:8123/logs"),
    ("jdbc:databricks://h.cloud.databricks.com:443/default;httpPath=sql;PWD=dapi", "databricks [h.cloud.databricks.com:443] default - | h.cloud.databricks.com/default"),
    ("jdbc:teradata://td1/DATABASE=sales,USER=u,PASSWORD=p/w", "teradata [td1] sales u | td1/sales"),
    ("jdbc:h2:mem:test", "other"),
    ("jdbc:h2:tcp://h1/~/test", "h2 [h1] ~/test - | h1/~/test"),
    ("jdbc:sqlite:/tmp/x.db", "other"),
    ("jdbc:tc:postgresql:15:///x", "other"),
    ("jdbc:strange://db1/x", "broken: names a driver that is not known"),
    ("jdbc:", "broken: names a driver that is not known"),
    ("r2dbc:postgresql://app:pw@db1/orders", "postgres [db1] orders app | db1/orders"),
    ("r2dbc:pool:mysql://app:pw@db1/orders", "mysql [db1] orders app | db1/orders"),
    (r#"host=db1 port=5433 dbname=orders user=app password='p w\'x'"#, "postgres [db1:5433] orders app | db1:5433/orders"),
    (r#"host = db1 dbname = 'or ders' password=p\ w"#, "postgres [db1] or ders - | db1/or ders"),
    ("host=h1,h2 port=5432,6543 dbname=orders", "postgres [h1:5432 h2:6543] orders - | h1,h2:6543/orders"),
    ("dbname=orders", "postgres [] orders - | /orders"),
    ("dbname=postgres://u:p@h/x", "broken: names a database that can't be read"),
    ("service=orders-prod", "postgres [orders-prod] - - | orders-prod"),
    ("hostaddr=10.0.0.1 dbname=x", "postgres [10.0.0.1] x - | 10.0.0.1/x"),
    ("host=db1 password='open", "broken: names a host or port that can't be read"),
    ("user=app password=pw", "broken: names no host"),
    ("host=/run/pg dbname=x", "postgres [/run/pg] x - | /run/pg/x"),
    ("mysql:host=db1;port=3307;dbname=shop", "mysql [db1:3307] shop - | db1:3307/shop"),
    ("mysql:unix_socket=/run/m.sock;dbname=shop", "mysql [/run/m.sock] shop - | /run/m.sock/shop"),
    ("pgsql:host=db1;port=5433;dbname=shop;user=u;password=p", "postgres [db1:5433] shop u | db1:5433/shop"),
    ("pgsql:host=db1 port=5433 dbname=shop", "postgres [db1:5433] shop - | db1:5433/shop"),
    ("sqlsrv:Server=db1,1434;Database=shop", "sqlserver [db1:1434] shop - | db1:1434/shop"),
    ("oci:dbname=//db1:1521/svc", "oracle [db1:1521] svc - | db1/svc"),
    ("Server=tcp:db1.database.windows.net,1433;Database=orders;User Id=app;Password=p;", "sqlserver [db1.database.windows.net:1433] orders app | db1.database.windows.net/orders"),
    (r#"Server=tcp:db1,1444;Initial Catalog=orders;User ID=app@db1;Password="p;w""x";"#, "sqlserver [db1:1444] orders app@db1 | db1:1444/orders"),
    (r#"Data Source=db1\PROD;Initial Catalog=orders;Integrated Security=True"#, r#"sqlserver [db1\PROD] orders - | db1\PROD/orders"#),
    ("Data Source=(local);Initial Catalog=orders", "sqlserver [(local)] orders - | (local)/orders"),
    (r#"Data Source=.\SQLEXPRESS;Database=x"#, r#"sqlserver [.\SQLEXPRESS] x - | .\SQLEXPRESS/x"#),
    ("Data Source=app.db;Version=3", "other"),
    ("Data Source=//db1:1521/svc;User Id=scott;Password=tiger", "oracle [db1:1521] svc scott | db1/svc"),
    ("Data Source=(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=x)));User Id=u;Password=p", "oracle [db1:1522] x u | db1:1522/x"),
    ("Host=db1;Port=5433;Username=app;Password=p;Database=orders", "postgres [db1:5433] orders app | db1:5433/orders"),
    ("Server=db1;Port=3307;Database=shop;Uid=u;Pwd=p", "mysql [db1:3307] shop u | db1:3307/shop"),
    ("Driver={ODBC Driver 18 for SQL Server};Server=db1;Database=x;Uid=sa;Pwd={p;}}w};", "sqlserver [db1] x sa | db1/x"),
    ("Driver={PostgreSQL Unicode};Server=db1;Port=5432;Database=x", "postgres [db1:5432] x - | db1/x"),
    ("DSN=orders-prod;UID=u;PWD=p", "sqlserver [orders-prod] - u | orders-prod"),
    ("Server=db1;Password='open", "broken: has options that can't be read"),
    ("Uid=u;Pwd=p", "broken: names no host"),
    ("http://web1", "http [web1] - - | web1"),
    ("https://ghp_0123456789abcdef@git.example/x/y", "https [git.example] - - | git.example"),
    ("https://user:pw@vault-prod:8200/v1?x=y", "https [vault-prod:8200] - - | vault-prod:8200"),
    ("https://vault-prod:8200", "https [vault-prod:8200] - - | vault-prod:8200"),
    ("https://user:p/w@vault-prod/x", "https [vault-prod] - - | vault-prod"),
    ("https://host/@scope/pkg", "broken: can't be told where its password ends"),
    ("https://host:8443/@scope/pkg", "broken: can't be told where its password ends"),
    ("http://h1:9200,http://h2:9200", "http [h1:9200 h2:9200] - - | h1:9200,h2:9200"),
    ("http+unix://%2Fvar%2Frun%2Fdocker.sock/v1", "http [/var/run/docker.sock] - - | /var/run/docker.sock"),
    ("tcp://docker-prod:2376", "tcp [docker-prod:2376] - - | docker-prod:2376"),
    ("ssh://root@docker-prod:2222/run/docker.sock", "ssh [docker-prod:2222] - root | docker-prod:2222"),
    ("unix:///var/run/docker.sock", "unix [/var/run/docker.sock] - - | /var/run/docker.sock"),
    ("unix:/run/x.sock", "unix [/run/x.sock] - - | /run/x.sock"),
    ("npipe:////./pipe/docker_engine", "unix [//./pipe/docker_engine] - - | //./pipe/docker_engine"),
    ("sqlite:///tmp/x.db", "other"),
    ("file:/tmp/x", "other"),
    ("duckdb:///x", "other"),
    ("s3://bucket/key", "other"),
    ("mailto:me@example.com", "other"),
    ("redis:6379", "other"),
    ("db1:5432", "other"),
    ("user@host", "other"),
    ("plain", "other"),
    ("a=b", "other"),
    ("", "other"),
    ("=", "other"),
    ("://", "other"),
    ("postgres://@/", "postgres [] - - | "),
    ("postgres://:@:/", "postgres [] - - | "),
    ("postgres://,,/x", "postgres [] x - | /x"),
    ("password='a;b=c' host=db1 dbname=x", "postgres [db1] x - | db1/x"),
    ("redis-socket://:p/w@/run/redis.sock", "redis [/run/redis.sock] - - | /run/redis.sock"),
    ("jdbc:mysql://app:12;34@db1/shop", "mysql [db1] shop app | db1/shop"),
];

#[test]
fn addresses_are_taken_apart() {
    for (text, expected) in ROWS {
        assert_eq!(told(text), *expected, "{text}");
    }
}

#[test]
fn lists_of_hosts_are_read() {
    let rows = [
        ("b1:9092,b2:9093", "b1:9092 b2:9093"),
        (" b1:9092 , b2 ", "b1:9092 b2"),
        ("b1:9092 b2:9092", "b1:9092 b2:9092"),
        ("SASL_SSL://b1:9093,SASL_SSL://b2:9093", "b1:9093 b2:9093"),
        ("PLAINTEXT://b1:9092,SSL://b2:9093", "b1:9092 b2:9093"),
        ("kafka://u:p/w@b1:9092,b2", "b1:9092 b2"),
        ("prod-db", "prod-db"),
        ("\"prod-db\"", "prod-db"),
        ("/var/run/postgresql", "/var/run/postgresql"),
        ("[::1]:9092,[2001:db8::2]", "::1:9092 2001:db8::2"),
        ("::1", "::1"),
        ("user:p@ss@h1:9092,h2", "h1:9092 h2"),
        ("u:p@h1,u:p@h2", "h1 h2"),
        ("z1:2181,z2:2181/kafka", "z1:2181 z2:2181"),
        ("cache:6380,password=a@b,ssl=True", "cache:6380"),
        ("u:p=w@h1", ""),
        ("h1:secret,h2", "h2"),
        ("redis://u:1/2@h", ""),
        ("", ""),
        (",,", ""),
    ];
    for (text, expected) in rows {
        let found: Vec<String> = hosts(text).iter().map(named).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }
}

#[test]
fn loopback_is_this_machine_and_nothing_else() {
    let here = [
        "",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "db.localhost",
        "127.0.0.1",
        "127.8.9.1",
        "127.1",
        "::1",
        "[::1]",
        "0.0.0.0",
        "::",
        "::ffff:127.0.0.1",
        "/var/run/postgresql",
        "localhost\\SQLEXPRESS",
        "(local)",
        "(localdb)\\x",
        ".",
        ".\\SQLEXPRESS",
    ];
    for host in here {
        assert!(is_loopback(host), "{host}");
    }
    let elsewhere = [
        "db1",
        "127.0.0.1.nip.io",
        "127.prod.example",
        "10.0.0.1",
        "notlocalhost",
        "localhost.prod.example",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "/cloudsql/proj:eu:prod",
    ];
    for host in elsewhere {
        assert!(!is_loopback(host), "{host}");
    }
}

#[test]
fn stores_are_told_from_endpoints() {
    let rows = [
        ("postgres://h", true, Some(5432)),
        ("rediss://h", true, Some(6379)),
        ("snowflake://h", true, Some(443)),
        ("bigquery://h", true, None),
        ("https://h", false, Some(443)),
        ("ssh://h", false, Some(22)),
        ("tcp://h", false, None),
        ("unix:///h", false, None),
    ];
    for (text, store, port) in rows {
        let Parsed::Address(address) = parse(text) else { panic!("{text}") };
        assert_eq!((address.is_store(), address.default_port()), (store, port), "{text}");
    }
}

#[test]
fn every_spelling_leads_to_one_scheme() {
    let mut spellings: Vec<&str> = SCHEMES.iter().flat_map(|scheme| scheme.spellings).copied().collect();
    for scheme in SCHEMES {
        assert_eq!(scheme_called(scheme.name).map(|found| found.name), Some(scheme.name));
    }
    let count = spellings.len();
    spellings.sort_unstable();
    spellings.dedup();
    assert_eq!(spellings.len(), count);
}

#[test]
fn hosts_are_capped() {
    let many = vec!["h"; 500].join(",");
    assert_eq!(hosts(&many).len(), MOST_HOSTS);
    let urls = vec!["nats://h,h"; 500].join(",");
    assert_eq!(hosts(&urls).len(), MOST_HOSTS);
    let query = vec!["host=h"; 500].join("&");
    let group = "(host=h)".repeat(500);
    for text in [
        format!("mongodb://{many}/x"),
        urls,
        format!("postgres:///x?{query}"),
        format!("jdbc:mysql://{group}/x"),
        format!("jdbc:oracle:thin:@(DESCRIPTION={group})"),
        format!("host={many}"),
    ] {
        let Parsed::Address(address) = parse(&text) else { panic!("{}", told(&text)) };
        assert!((1..=MOST_HOSTS).contains(&address.hosts.len()), "{}", address.hosts.len());
    }
}

/// Every piece of an address, known or not: hosts | databases | users.
#[test]
fn pieces_are_found() {
    let table = [
        ("postgres://u:p@h:5432/d?sslmode=x", "h:5432|d|u"),
        ("mongodb://u:p/w@a:1,b:2/d", "a:1 b:2|d|u"),
        ("u:p@tcp(h:3306)/d", "h:3306|d|u"),
        ("u:p@unix(/cloudsql/proj:eu:db)/d", "proj:eu:db|d|u"),
        ("postgres://u:p@/d?host=/cloudsql/proj:eu:db", "proj:eu:db|d|u"),
        ("postgres://u:p@/d?host=/var/run/prod", "|d|u"),
        ("postgres://u:p@[2001:db8::1]:5433/d/s", "[2001:db8::1]:5433|d|u"),
        ("postgres://u%40x:p@h/a%2Db", "h|a-b|u@x"),
        ("jdbc:sqlserver://h:1;databaseName=d;user=u;password=p", "h:1|d|u"),
        ("Server=tcp:h,1433;Database=d;User Id=u;Password=p", "h:1433|d|u"),
        ("host='h' dbname=d user=u password='a b'", "h|d|u"),
        ("https://h:8443/a/@b", "h:8443||"),
        ("postgres://u:12/3@h/d", "h|d|u"),
        ("u:p@h:5432/d", "h:5432|d|u"),
        ("h:5432", "h:5432||"),
        ("strange://u:p@h1,h2:1/d%2Fx/y", "h1 h2:1|d/x|u"),
        ("sqlite:///srv/x.db", "|/srv/x.db|"),
        ("//h/d", "h|d|"),
        ("Server=h;Password='open", "||"),
        ("", "||"),
    ];
    for (text, expected) in table {
        let Pieces { hosts, databases, users } = pieces(text);
        let hosts: Vec<String> = hosts.iter().map(Host::to_string).collect();
        let found = [hosts, databases, users].map(|list| list.join(" ")).join("|");
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn long_text_is_read_in_linear_time() {
    let units = [
        "@",
        ":",
        "/",
        "?",
        "&",
        ";",
        "=",
        "a=",
        "&a=@",
        "?password=",
        "(",
        ")/",
        "(host=",
        ",u:p@h",
        ",nats://h",
        "'",
        "\\",
        "%",
        "%40",
        "[",
        " ",
        "é",
        " ://",
        "host=h ",
        "k=v;",
    ];
    let starts =
        ["", "postgres://", "mysql://", "nats://h", "jdbc:oracle:thin:@(", "host=", "jdbc:db2://h/d:a=", "a"];
    let began = std::time::Instant::now();
    for start in starts {
        for unit in units {
            let text = format!("{start}{}", unit.repeat((1 << 16) / unit.len()));
            let _ = (pieces(&text), hosts(&text), without_secrets(&text));
        }
    }
    // 400 readings of 64 KiB; one quadratic step among them alone takes longer.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

const HOSTILE: &str = r"[a-z0-9@/#?:%\[\] \\!$*+~^.&;=,(){}-]{2,8}";
const MARK: &str = "ZQXJ";

/// Every shape that has a place for a password.
fn with_password(password: &str) -> Vec<String> {
    let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
    let escaped = quoted.replace(' ', "\\ ");
    let mut all = Vec::new();
    for scheme in [
        "postgres",
        "mysql",
        "mongodb",
        "redis",
        "amqp",
        "kafka",
        "sqlserver",
        "oracle",
        "db2",
        "https",
        "tcp",
        "ssh",
        "snowflake",
        "jdbc:postgresql",
        "jdbc:mysql",
        "jdbc:mysql:loadbalance",
        "r2dbc:mssql",
        "postgresql+psycopg2",
        "mongodb+srv",
        "redis+sentinel",
        "nats",
        "elasticsearch",
        "redis+socket",
        "unix",
        "strange",
    ] {
        for tail in [
            "",
            "/",
            "/db",
            ":5432/db?sslmode=require",
            ",h2:6543/db",
            "?user=me@corp&x=y",
            ";database=x",
            "/db?odd=a@b",
        ] {
            all.push(format!("{scheme}://user:{password}@host{tail}"));
            all.push(format!("{scheme}://:{password}@host{tail}"));
            all.push(format!("{scheme}://me@corp:{password}@host{tail}"));
        }
        for front in ["", "host", "host:5432", "h1,h2", "user@host", "user:x@host:1", "host/db", "host:1/db"]
        {
            for key in ["password", "pwd", "odd"] {
                all.push(format!("{scheme}://{front}?{key}={password}"));
                all.push(format!("{scheme}://{front}?user=u&{key}={password}&ssl=true&dbname=x"));
            }
        }
    }
    for scheme in
        ["jdbc:sqlserver", "jdbc:jtds:sqlserver", "jdbc:derby", "jdbc:hive2", "sqlserver", "jdbc:databricks"]
    {
        for front in ["host", "host:1433", "host\\PROD:1433", "host:1/db", ""] {
            all.push(format!("{scheme}://{front};password={password}"));
            all.push(format!("{scheme}://{front};databaseName=x;user=u;password={password};encrypt=true"));
            all.push(format!(
                "{scheme}://{front};databaseName=x;user=u;password={{{password}}};encrypt=true"
            ));
        }
    }
    for shape in [
        "user:@P@@tcp(host:3306)/db?x=y",
        "mysql://user:@P@@tcp(host)/db",
        "user:@P@@unix(/s)/db",
        "user:@P@@host/db",
        "user/@P@@host:1521/x",
        "jdbc:oracle:thin:user/@P@@//host:1521/x",
        "jdbc:oracle:thin:user/@P@@host:1521:SID",
        "jdbc:oracle:oci:user/@P@@(DESCRIPTION=(ADDRESS=(HOST=h)(PORT=1)))",
        "oracle://user:@P@@(DESCRIPTION=(HOST=h)(PORT=1))",
        "jdbc:mysql://address=(host=h)(port=3306)(user=u)(password=@P@)/db",
        "jdbc:mysql://(host=h,password=@P@,port=1)/db?user=x",
        "jdbc:mysql://user:@P@@address=(host=h)/db",
        "jdbc:db2://host:1/db:user=x;password=@P@;",
        "jdbc:db2://host:1/db:password=@P@;",
        "jdbc:teradata://host/DATABASE=x,USER=u,PASSWORD=@P@",
        "jdbc:strange://user:@P@@host",
        "jdbc:sybase:Tds:host:1/x?PASSWORD=@P@",
        "Server=tcp:h,1433;Database=x;User Id=u;Password=@P@;",
        "Password=@P@;Server=h",
        "Server=h;Pwd=\"@P@\";Uid=u",
        "Data Source=h;Password='@P@'",
        "Driver={ODBC Driver 18};Server=h;Pwd={@P@};Uid=u",
        "DSN=x;PWD=@P@;UID=u",
        "Endpoint=sb://h/;SharedAccessKeyName=x;SharedAccessKey=@P@",
        "AccountEndpoint=https://h:443/;AccountKey=@P@",
        "AccountName=x;AccountKey=@P@",
        "mysql:host=h;dbname=x;password=@P@",
        "pgsql:host=h;password=@P@;port=1",
        "h:6380,password=@P@,ssl=True",
        "h,password=@P@",
        "https://@P@@host/x",
        "nats://u:@P@@h1,nats://u:@P@@h2",
        "amqp://u:@P@@h1,u:@P@@h2",
        "u:@P@@h1:9092,h2:9092",
    ] {
        all.push(shape.replace("@P@", password));
    }
    for quote in [
        "host=h dbname=x user=u password='@P@'",
        "password = '@P@' host=h",
        "pgsql:host=h password='@P@' port=1",
    ] {
        all.push(quote.replace("@P@", &quoted));
    }
    for bare in ["host=h dbname=x user=u password=@P@", "password=@P@ host=h", "host=h password=@P@ port=1"] {
        all.push(bare.replace("@P@", &escaped));
    }
    // What a hand may forget: to escape at all.
    all.push(format!("host=h password={password} dbname=x"));
    all.push(format!("host=h password='{password} dbname=x"));
    all
}

fn everything_told(text: &str) -> String {
    let parsed = parse(text);
    let shown = match &parsed {
        Parsed::Address(address) => address.shown(),
        _ => String::new(),
    };
    format!("{parsed:?} {shown} {:?}", hosts(text))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn no_password_gets_out(before in HOSTILE, after in HOSTILE) {
        let password = format!("{before}{MARK}{after}");
        for text in with_password(&password) {
            let told = everything_told(&text);
            prop_assert!(!told.contains(MARK), "{} -> {}", text, told);
        }
    }

    #[test]
    fn no_token_gets_out(before in "[a-z0-9@/#?%\\[\\] -]{2,8}", after in "[a-z0-9@/#?%\\[\\] -]{2,8}") {
        let token = format!("{before}{MARK}{after}");
        for scheme in ["https", "http", "redis", "nats"] {
            let told = everything_told(&format!("{scheme}://{token}@host/x"));
            prop_assert!(!told.contains(MARK), "{} -> {}", token, told);
        }
    }

    #[test]
    fn no_password_stays_in_the_text(before in HOSTILE, after in HOSTILE) {
        let password = format!("{before}{MARK}{after}");
        // Behind a key of no secret, or where a scheme, a host and a path could stand, nobody can know it for one.
        let unknowable = |text: &str| {
            let token = format!("https://{password}@host/x");
            text.contains("odd=") || text.starts_with("user://") || text == token
        };
        for text in with_password(&password).iter().filter(|text| !unknowable(text)) {
            let told = without_secrets(text);
            prop_assert!(!told.contains(MARK), "{} -> {}", text, told);
        }
    }

    #[test]
    fn no_password_is_a_piece_or_stays_in_the_text(
        password in "[A-Z0-9@#:;%?!$][A-Z0-9/@#:;%?!$]{3}QX[A-Z0-9/@#:%?!$]{0,4}", scheme in "(postgres://|mysql://|)",
    ) {
        let text = format!("{scheme}user:{password}@host/db");
        let shown = without_secrets(&text);
        prop_assert!(!shown.contains("QX"), "{}", shown);
        let pieces = format!("{:?}", pieces(&text));
        prop_assert!(!pieces.contains("QX"), "{}", pieces);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,80}|[a-z:/@?=;,. %()'\\[\\]]{0,40}") {
        prop_assert!(!shown_of(&text).contains('@'));
        pieces(&text);
        without_secrets(&text);
    }

    #[test]
    fn any_text_of_the_trade_is_read(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..14)) {
        prop_assert!(!shown_of(&words.concat()).contains('@'));
    }
}

const WORDS: &[&str] = &[
    "postgres",
    "mysql",
    "jdbc:",
    "oracle:thin:",
    "redis",
    "://",
    ":",
    "/",
    "@",
    "?",
    "#",
    "&",
    ";",
    "=",
    ",",
    "host",
    "password",
    "Server",
    "user",
    "dbname",
    "(",
    ")",
    "tcp(",
    "address=(",
    "DESCRIPTION",
    "[",
    "]",
    "::1",
    "'",
    "\"",
    "{",
    "}",
    "\\",
    "%40",
    "%2F",
    "%",
    " ",
    "5432",
    "é",
    "http",
    "unix",
    "Endpoint",
    "odbc_connect",
    "%3D",
];

fn shown_of(text: &str) -> String {
    hosts(text);
    match parse(text) {
        Parsed::Address(address) => {
            assert!(address.user.as_ref().is_none_or(|user| !user.contains(':')));
            address.shown()
        }
        _ => String::new(),
    }
}
