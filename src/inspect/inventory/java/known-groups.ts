/**
 * Groups of projects whose jars do not state one: they are built with Gradle, Ant or Bazel, which write no pom.properties. Each with the artifacts
 * that it has in Maven Central; the rest of a pattern is the whole name.
 */
const groups: readonly (readonly [string, RegExp])[] = [
  [
    'org.springframework',
    /^spring-(?:aop|aspects|beans|context(?:-\w+)?|core(?:-test)?|expression|instrument|jcl|jdbc|jms|messaging|orm|oxm|r2dbc|test|tx|web|webflux|webmvc|websocket)$/,
  ],
  ['org.springframework.boot', /^spring-boot(?:-.+)?$/],
  ['org.springframework.security.oauth', /^spring-security-(?:oauth2|jwt)$/],
  ['org.springframework.security', /^spring-security-.+$/],
  ['org.springframework.data', /^spring-data-.+$/],
  ['org.springframework.cloud', /^spring-cloud-.+$/],
  ['org.springframework.session', /^spring-session-.+$/],
  ['org.springframework.batch', /^spring-batch-.+$/],
  ['org.springframework.integration', /^spring-integration-.+$/],
  ['org.springframework.amqp', /^spring-(?:amqp|rabbit(?:-.+)?)$/],
  ['org.springframework.kafka', /^spring-kafka(?:-test)?$/],
  ['org.springframework.ldap', /^spring-ldap-.+$/],
  ['org.springframework.ws', /^spring-(?:ws-.+|xml)$/],
  ['org.springframework.hateoas', /^spring-hateoas$/],
  ['org.springframework.retry', /^spring-retry$/],
  ['org.springframework.graphql', /^spring-graphql$/],
  ['org.springframework.ai', /^spring-ai-.+$/],
  ['org.apache.tomcat.embed', /^tomcat-embed-.+$/],
  ['org.apache.tomcat', /^tomcat-.+$/],
  ['org.apache.ant', /^ant(?:-.+)?$/],
  [
    'org.apache.kafka',
    /^(?:kafka_[\d.]+|kafka-(?:clients|streams(?:-.+)?|raft|server-common|metadata|storage(?:-api)?|tools|log4j-appender|group-coordinator(?:-api)?)|connect-.+)$/,
  ],
  ['org.apache.lucene', /^lucene-.+$/],
  ['org.apache.solr', /^solr-(?:core|solrj.*)$/],
  ['org.apache.groovy', /^groovy(?:-.+)?$/],
  ['org.bouncycastle', /^(?:bc(?:prov|pkix|pg|mail|util|tls|jmail)(?:-ext)?-.+|bc-?fips(?:-.+)?)$/],
  ['org.elasticsearch', /^elasticsearch(?:-(?:core|cli|x-content|geo|lz4|secure-sm|plugin-classloader|logging))?$/],
  ['org.elasticsearch.client', /^elasticsearch-rest-(?:client|high-level-client)$/],
  ['org.opensearch', /^opensearch(?:-.+)?$/],
  ['org.gradle', /^gradle-.+$/],
  ['org.hibernate.orm', /^hibernate-(?:core|envers|jcache|micrometer|spatial|hikaricp|c3p0)$/],
  ['org.jetbrains.kotlin', /^kotlin-.+$/],
  ['org.jetbrains.kotlinx', /^kotlinx-.+$/],
  ['com.squareup.okhttp3', /^(?:okhttp(?:-.+)?|logging-interceptor|mockwebserver)$/],
  ['com.squareup.okio', /^okio(?:-.+)?$/],
  ['com.squareup.retrofit2', /^retrofit$/],
  ['io.grpc', /^grpc-.+$/],
  ['io.micrometer', /^micrometer-.+$/],
  ['io.projectreactor', /^reactor-(?:core|test)$/],
  ['io.projectreactor.netty', /^reactor-netty(?:-.+)?$/],
  ['io.opentelemetry', /^opentelemetry-(?:api|sdk(?:-.+)?|context|exporter-.+)$/],
  ['io.micronaut', /^micronaut-.+$/],
  ['io.ktor', /^ktor-.+$/],
  ['com.netflix.eureka', /^eureka-(?:client|core)$/],
  ['com.h2database', /^h2$/],
  ['com.mysql', /^mysql-connector-j$/],
  ['mysql', /^mysql-connector-java$/],
  ['org.postgresql', /^postgresql$/],
  ['com.microsoft.sqlserver', /^mssql-jdbc$/],
  ['com.oracle.database.jdbc', /^ojdbc\d+$/],
  ['org.dom4j', /^dom4j$/],
  ['xerces', /^(?:xercesImpl|xmlParserAPIs)$/],
  ['xalan', /^(?:xalan|serializer)$/],
  ['org.apache.velocity', /^velocity(?:-engine-core)?$/],
  ['commons-httpclient', /^commons-httpclient$/],
  ['org.ow2.asm', /^asm(?:-(?:all|analysis|commons|tree|util|xml))?$/],
  ['org.aspectj', /^aspectj(?:rt|weaver|tools)$/],
  ['org.mockito', /^mockito-.+$/],
  ['com.google.inject', /^guice$/],
];

/** The group of an artifact by its name; undefined where no known project has it. */
export function knownGroup(artifact: string, version: string): string | undefined {
  const group = groups.find(([, pattern]) => pattern.test(artifact))?.[0];
  const major = Number.parseInt(version, 10);
  if (group === 'org.apache.groovy' && major < 4) return 'org.codehaus.groovy';
  if (group === 'org.dom4j' && major < 2) return 'dom4j';
  if (group === 'org.hibernate.orm' && major < 6) return 'org.hibernate';
  return group;
}

/** Tomcat's own jars, which Maven Central has under longer names, as advisories do. */
export function knownArtifact(name: string, title: string | undefined): string {
  if (title !== 'Apache Tomcat' || name.startsWith('tomcat-')) return name;
  return `tomcat-${name}`;
}
