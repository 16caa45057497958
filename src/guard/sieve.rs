//! Which lines of a clear tab the guard must see at all, as a regular expression and a list of words that a shell can
//! try without a fork. It lets too much through to the guard, never too little: a line that goes there needlessly costs a
//! millisecond, and the guard decides.

/// Programs that take a target with them, besides those that the rules know.
#[cfg(test)]
const PROGRAMS: &[&str] = &[
    "aws-vault",
    "awsume",
    "assume",
    "autossh",
    "bq",
    "cdk",
    "chamber",
    "clickhouse-client",
    "cqlsh",
    "direnv",
    "doctl",
    "doppler",
    "dotenv",
    "env",
    "et",
    "eval",
    "granted",
    "influx",
    "k",
    "k9s",
    "kubectx",
    "kubens",
    "kubie",
    "kctx",
    "kns",
    "kustomize",
    "mosh",
    "nomad",
    "op",
    "pg_dump",
    "pg_dumpall",
    "rsync",
    "scp",
    "sftp",
    "sqlcmd",
    "sqlplus",
    "ssh",
    "teleport",
    "tsh",
    "use-context",
    "vault",
    "with",
];

/// Words that change where the rest of their line points.
const CHANGES: &str = "export|declare|typeset|local|set|unset|cd|pushd|popd|z|j";

/// Words behind which the name of a script may stand.
const RUNNERS: &str = "sudo|doas|time|nohup|nice|ionice|setsid|stdbuf|timeout|watch|xargs|parallel|flock|command|\
                       builtin|exec|bash|sh|zsh|dash|ksh|fish|python[0-9.]*|ruby|node|deno|bun|perl|php|make|gmake|\
                       npm|npx|yarn|pnpm|just|rake|task|invoke|tox|go|cargo|and|or|not|then|do|else|begin";

/// What asks `sudo` for a shell.
const SHELL_OF_SUDO: &str = "-[A-Za-z]*[is][A-Za-z]*|--login|--shell|su|bash|zsh|fish|sh";

/// The pattern: a POSIX extended regular expression that PCRE reads alike. `programs` are part of it where the regular
/// expressions of a shell are fast; glibc takes a millisecond to compile so many words. `painted`: the tab shows a mark
/// that is to be taken back before another program has it.
pub fn pattern(programs: bool, painted: bool) -> String {
    let start = "(^|[^>][|]|[;&({`\n])[[:space:]]*";
    let word = "(^|[^A-Za-z0-9_.-])";
    let end = "([^A-Za-z0-9_-]|$)";
    let mut parts = vec![
        // A variable is set, and more follows.
        "[A-Z][A-Za-z0-9_]*=[^;&|[:space:]]*[;&|[:space:]]".to_string(),
        format!("{word}({CHANGES})[[:space:]][^;&|\n]*[;&|\n]"),
        format!("{word}(source|[.])[[:space:]]"),
        // A command that is a path out of this directory, or a text that only the guard can read.
        format!("{start}(([.][.]|~|/)|[\"'$`\\\\])"),
        format!("{start}({RUNNERS})[[:space:]]([^;&|\n]*[[:space:]=\"'])?([.][.]|~|/|[$`])"),
    ];
    // Another user's shell.
    parts.push(format!("{word}(su|login|machinectl){end}"));
    parts.push(format!("{word}(sudo|doas|run0)[[:space:]]([^;&|\n]*[[:space:]/])?({SHELL_OF_SUDO}){end}"));
    if painted {
        parts.push(format!("{word}(exec|tmux|screen|zellij|byobu){end}"));
    }
    if programs {
        let names = NAMES.trim().replace(' ', "|").replace('.', "[.]");
        parts.push(format!("{word}({names}){end}"));
    }
    parts.join("|")
}

/// The words that concern the guard, with spaces around each: the programs of every rule whose domain a line can name a
/// target in, and [`PROGRAMS`]. Written out, for every prompt's reply holds them; a test says what must stand here.
#[rustfmt::skip]
pub const NAMES: &str =
    " alembic aliyun amplify argocd artisan assume atlas autossh aws aws-nuke aws-vault awsume az barman beeline \
     borg bq cdk cdktf cf chamber cilium civo clickhouse clickhouse-client cloud-nuke cockroach console consul \
     copilot cqlsh dbmate diesel direnv django-admin docker docker-compose doctl doctrine doppler dotenv dotnet \
     dotnet-ef drizzle-kit dropdb dropuser drush eb eksctl env et etcdctl eval exo firebase flarectl flux fly \
     flyctl flyway gcloud gh glab goose granted gsutil hcloud helm helmfile heroku hive ibmcloud influx ionosctl \
     istioctl k k9s kafka-consumer-groups kafka-consumer-groups.sh kafka-delete-records.sh kafka-topics \
     kafka-topics.sh kctx keydb-cli knex kns kopia kops kubeadm kubecolor kubectl kubectx kubens kubie kustomize \
     linkerd linode-cli liquibase manage.py mariadb mariadb-admin migrate mix mongo mongoimport mongorestore \
     mongosh mosh mycli mysql mysqladmin mysqlsh nerdctl netlify nodetool nomad oc oci op openstack \
     pg_dropcluster pg_dump pg_dumpall pg_restore pgbackrest pgcli pm2 podman podman-compose prisma psql pulumi \
     rabbitmqadmin rabbitmqctl rails railway rake rclone redis-cli refinery render restic rsync sam scp scw \
     sequelize sequelize-cli serverless sftp sls snowsql spark-sql sqlcmd sqlplus sqlx ssh sst stackit supabase \
     teleport terraform terragrunt tofu trino tsh typeorm typeorm-ts-node-commonjs upctl use-context usql \
     valkey-cli vault velero vercel vultr-cli wal-g with wp wrangler ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::rules;
    use crate::signal::Domain;

    #[test]
    fn names_are_those_of_the_rules_and_more() {
        let mut names: Vec<&str> = rules::built_in()
            .iter()
            .filter(|rule| rule.domain != Domain::Host)
            .flat_map(|rule| rule.programs.iter().copied())
            .filter(|name| !name.contains('*'))
            .chain(PROGRAMS.iter().copied())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(NAMES, format!(" {} ", names.join(" ")));
    }
}
