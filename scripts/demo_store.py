"""The other end in the demo: an S3 server on the loopback, and the researcher who reads what lies there.

`capture-agent demo --store scripts/demo_store.py` starts it. It stands outside of the package because there one module
alone opens connections. The server keeps everything in memory and checks every signature: participants may create
objects and nothing else, the researcher may list and read.

First it says on standard output where the store is and what opens it for participants, then it answers orders from
standard input, one line of JSON each, until that ends:

    {"do": "look", "name": NAME}     →  {"get": 403, "head": 403, "list": 403, "delete": 403}: what participants get
    {"do": "fetch", "into": FOLDER}  →  {"names": […]}: the researcher has written all objects below FOLDER
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "inf"  # until the accounts are there, see main

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import settings
from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"
BUCKET, PREFIX = "study", "in"
REGION = "us-east-1"
PARTICIPANT = ("s3:PutObject",)
RESEARCHER = ("s3:ListBucket", "s3:GetObject")
PATIENCE_S = 20
Access = tuple[str, str]
"""An access key: its id and its secret."""


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").disabled = True  # a line for each request
    server = ThreadedMotoServer(HOST, 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    address = f"http://{HOST}:{port}"
    owner: Access = ("owner", "owner")  # nobody looks at it yet
    client("s3", address, owner).create_bucket(Bucket=BUCKET)
    participant = account(client("iam", address, owner), "participant", PARTICIPANT)
    researcher = account(client("iam", address, owner), "researcher", RESEARCHER)
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0  # from now on nobody gets in without an account
    told = {
        "destination": f"s3://{BUCKET}/{PREFIX}?endpoint={address}",
        "access": dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), participant, strict=True)),
    }
    print(json.dumps(told), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "look":
            answer: dict[str, Any] = looked(client("s3", address, participant), f"{PREFIX}/{order['name']}")
        else:
            answer = {"names": fetched(client("s3", address, researcher), Path(order["into"]))}
        print(json.dumps(answer), flush=True)
    server.stop()


def client(kind: str, address: str, access: Access) -> Any:
    """Return boto3's client for `kind`, "s3" or "iam"."""
    return boto3.client(
        kind,
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id=access[0],
        aws_secret_access_key=access[1],
        config=Config(retries={"max_attempts": 0}, connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S),
    )


def account(iam: Any, name: str, actions: tuple[str, ...]) -> Access:
    """Make an account that may do `actions` in the bucket and nothing else; return its access key."""
    places = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    rule = {"Effect": "Allow", "Action": list(actions), "Resource": places}
    policy = {"Version": "2012-10-17", "Statement": [rule]}
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def looked(s3: Any, name: str) -> dict[str, int]:
    """Return the HTTP status that each request for the object `name` gets, apart from creating it."""
    one = {"Bucket": BUCKET, "Key": name}
    asked = {
        "get": lambda: s3.get_object(**one),
        "head": lambda: s3.head_object(**one),
        "list": lambda: s3.list_objects_v2(Bucket=BUCKET),
        "delete": lambda: s3.delete_object(**one),
    }
    return {what: status(ask) for what, ask in asked.items()}


def status(ask: Any) -> int:
    """Return the HTTP status that `ask` gets."""
    try:
        answer = ask()
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def fetched(s3: Any, into: Path) -> list[str]:
    """Write every object of the bucket below `into`, without its prefix; return their names."""
    names = []
    for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        name = Path(one["Key"]).name
        (into / name).write_bytes(s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read())
        names.append(name)
    return names


if __name__ == "__main__":
    main()
