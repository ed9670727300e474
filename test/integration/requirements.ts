import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";

/** Where the programs of a PostgreSQL server are; Debian keeps them off the PATH. */
export function postgresBin(): string | undefined {
  return globSync("/usr/lib/postgresql/*/bin").at(-1) ?? directoryOf("initdb");
}

/** Where the programs of a RabbitMQ are; what Debian has on the PATH insists on another user. */
export function rabbitmqBin(): string | undefined {
  const folder = "/usr/lib/rabbitmq/bin";
  return existsSync(`${folder}/rabbitmq-server`) ? folder : directoryOf("rabbitmq-server");
}

/** A Python that has grpcio: the system's, as Debian's packages are for that one. */
export function pythonWithGrpc(): string | undefined {
  return ["/usr/bin/python3", "python3"].find((python) => succeeds(python, "-c", "import grpc"));
}

/** A Python that has a mail server. */
export function pythonWithSmtp(): string | undefined {
  return ["/usr/bin/python3", "python3"].find((python) => succeeds(python, "-c", "import aiosmtpd"));
}

/** A Go compiler, if there is one. */
export function goCompiler(): string | undefined {
  const folder = directoryOf("go");
  return folder && `${folder}/go`;
}

interface Requirement {
  name: string;
  met: boolean;
  how: string;
}

/** What the integration tests need of the machine, and how to get what it has not. */
export function requirements(): readonly Requirement[] {
  return [
    {
      name: "PostgreSQL server",
      met: postgresBin() !== undefined,
      how: "apt-get install postgresql",
    },
    {
      name: "RabbitMQ",
      met: rabbitmqBin() !== undefined,
      how: "apt-get install rabbitmq-server",
    },
    {
      name: "Python 3 with gRPC, and protoc with its gRPC plugin",
      met:
        pythonWithGrpc() !== undefined && directoryOf("protoc") !== undefined && directoryOf("grpc_python_plugin") !== undefined,
      how: "apt-get install python3-grpcio protobuf-compiler protobuf-compiler-grpc",
    },
    {
      name: "a mail server",
      met: pythonWithSmtp() !== undefined,
      how: "apt-get install python3-aiosmtpd",
    },
    {
      name: "podman",
      met: directoryOf("podman") !== undefined,
      how: "apt-get install podman",
    },
  ];
}

function directoryOf(program: string): string | undefined {
  return process.env.PATH?.split(":").find((folder) => existsSync(`${folder}/${program}`));
}

function succeeds(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
