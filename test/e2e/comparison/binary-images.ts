import type { Recipe } from './recipe.ts';

/** What is inside of programs and archives: how Go, cargo-auditable, Maven, Gradle and Spring Boot build them, and what is copied in by hand. */
export const binaryImages: readonly Recipe[] = [
  {
    name: 'go-and-rust',
    script: `
bin=$PWD/layer1/usr/local/bin; mkdir -p $bin layer1/opt forked app
cat >app/go.mod <<'END'
module example.com/app

go 1.16

require (
	github.com/BurntSushi/toml v0.3.1
	github.com/gorilla/mux v1.7.4
	github.com/pkg/errors v0.9.1
)

replace github.com/pkg/errors => ../forked

replace github.com/BurntSushi/toml => github.com/BurntSushi/toml v0.3.0
END
cat >app/main.go <<'END'
package main

import (
	"fmt"

	"github.com/BurntSushi/toml"
	"github.com/gorilla/mux"
	"github.com/pkg/errors"
)

var version = "dev"

func main() {
	var tree map[string]interface{}
	_, err := toml.Decode("a=1", &tree)
	fmt.Println(mux.NewRouter(), errors.Wrap(err, "x"), version)
}
END
printf 'module github.com/pkg/errors\\n\\ngo 1.16\\n' >forked/go.mod
printf 'package errors\\n\\nfunc Wrap(err error, m string) error { return err }\\n' >forked/errors.go
cd app
export CGO_ENABLED=0 GOFLAGS=-mod=mod
go build -o $bin/plain .
go build -trimpath -buildmode=pie -ldflags "-s -w -X main.version=1.4.2" -o $bin/stripped .
GOOS=windows go build -ldflags "-s -w" -o $bin/windows.exe .
GOOS=darwin GOARCH=arm64 go build -o $bin/darwin .
GOARCH=s390x go build -ldflags "-s -w" -o $bin/big-endian .
GOARCH=386 go build -o $bin/narrow .
# Before 1.18 the build information points to its strings.
GOTOOLCHAIN=go1.17.13 go build -ldflags "-s -w" -o $bin/pointers .
GOTOOLCHAIN=go1.17.13 GOARCH=mips go build -o $bin/pointers-big-endian .
GOTOOLCHAIN=go1.18.10 go build -o $bin/first-inline .
cd ..
# uv is built with cargo-auditable.
pip download -q --no-deps --only-binary :all: --platform manylinux_2_17_x86_64 -d wheels uv==0.13.9
unzip -qo wheels/uv-*.whl '*/scripts/uv' -d layer1/opt/uv
`,
  },
  {
    name: 'java',
    script: `
jars=$PWD/layer1/opt/jars; mkdir -p $jars layer1/opt/fat/BOOT-INF/lib layer1/opt/war/WEB-INF/lib
get() { curl -sfL --retry 3 -o "$jars/$2-$3.jar" "https://repo1.maven.org/maven2/$(echo "$1" | tr . /)/$2/$3/$2-$3.jar"; }
get log4j log4j 1.2.17
get org.apache.logging.log4j log4j-core 2.14.1
get commons-collections commons-collections 3.2.1
get org.springframework spring-core 5.3.20
get org.springframework spring-web 5.3.20
get org.springframework.boot spring-boot 2.7.0
get com.fasterxml.jackson.core jackson-databind 2.13.0
get org.apache.tomcat.embed tomcat-embed-core 9.0.60
get org.bouncycastle bcprov-jdk15on 1.66
get org.yaml snakeyaml 1.29
get com.google.guava guava 29.0-jre
get com.squareup.okhttp3 okhttp 4.9.0
get org.jetbrains.kotlin kotlin-stdlib 1.4.0
get org.codehaus.groovy groovy 3.0.7
get org.hibernate hibernate-core 5.4.10.Final
get com.h2database h2 1.4.200
get org.apache.kafka kafka-clients 2.8.0
get mysql mysql-connector-java 8.0.20
get io.grpc grpc-core 1.40.0
get dom4j dom4j 1.6.1
get org.apache.hadoop hadoop-client-runtime 3.3.1
curl -sfL --retry 3 -o "$jars/catalina.jar" https://repo1.maven.org/maven2/org/apache/tomcat/tomcat-catalina/9.0.60/tomcat-catalina-9.0.60.jar
# More than is read whole: libraries are stored in a jar as Spring Boot makes it, and compressed in a war.
cd layer1/opt/fat
mkdir META-INF; printf 'Manifest-Version: 1.0\\nImplementation-Title: shop\\nImplementation-Version: 1.2.3\\n' >META-INF/MANIFEST.MF
cp $jars/{hadoop-client-runtime-3.3.1,spring-core-5.3.20,jackson-databind-2.13.0,log4j-core-2.14.1}.jar BOOT-INF/lib
head -c 3000000 /dev/urandom >BOOT-INF/data
zip -q0X ../shop.jar META-INF/MANIFEST.MF BOOT-INF/data BOOT-INF/lib/*
cd ../war
cp $jars/{commons-collections-3.2.1,spring-web-5.3.20}.jar WEB-INF/lib
zip -q9X ../portal.war WEB-INF/lib/*
cd ../../..
rm -r layer1/opt/fat layer1/opt/war
printf '#!/bin/bash\\nexec java -jar "$0"\\n' | cat - layer1/opt/shop.jar >layer1/opt/executable.jar
`,
  },
  {
    name: 'programs-by-hand',
    script: `
apt-get update -qq >&2
apt-get download -qq nginx haproxy memcached redis-tools python3.11-minimal libpython3.11 busybox-static openssl bash curl postgresql-15 php8.2-cli apache2-bin mariadb-server-core libruby3.1 >&2
for deb in *.deb; do dpkg-deb -x $deb unpacked; done
mkdir -p layer1/usr/local/bin layer1/usr/local/lib layer1/usr/local/go
(cd unpacked; cp usr/sbin/{nginx,haproxy,mariadbd} usr/bin/{memcached,python3.11,openssl,curl,php8.2} usr/lib/postgresql/15/bin/postgres bin/{bash,busybox} ../layer1/usr/local/bin)
cp unpacked/usr/sbin/apache2 layer1/usr/local/bin/httpd
cp unpacked/usr/bin/redis-check-rdb layer1/usr/local/bin/redis-server
cp unpacked/usr/lib/x86_64-linux-gnu/lib{ruby-3.1,python3.11}.so.* layer1/usr/local/lib
npm install --no-save --no-audit --no-fund --loglevel=error --prefix node node@20.11.1 >&2
cp node/node_modules/node/bin/node layer1/usr/local/bin
rm -rf unpacked node
`,
  },
];
