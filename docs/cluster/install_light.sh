#!/bin/bash
# Install fs_sclimbic with OpenVINO alone into a bare Debian 12, for a container: /opt/fs_sclimbic, under 700 MB in all.
#   install_light.sh SOURCE        SOURCE is a checkout; it can be removed afterwards
# One step, so that compilers and caches leave no layer behind.
set -euo pipefail
source=$1
export DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

apt-get update -qq
apt-get install -qq -y --no-install-recommends python3 ca-certificates
apt-mark manual python3 ca-certificates >/dev/null
apt-get install -qq -y --no-install-recommends python3-venv python3-dev gcc g++ # surfa is compiled

python3 -m venv /opt/fs_sclimbic
/opt/fs_sclimbic/bin/pip install --quiet -r "$source/docs/cluster/requirements-light.txt"
/opt/fs_sclimbic/bin/pip install --quiet --no-deps "$source"

# Not used here: OpenVINO's telemetry, its readers of other formats and devices, tests, pip, the compilers.
/opt/fs_sclimbic/bin/pip uninstall --quiet -y openvino-telemetry
libs=$(echo /opt/fs_sclimbic/lib/python3.*/site-packages)
rm -f "$libs"/openvino/libs/libopenvino_{intel_gpu,intel_npu,hetero,auto,auto_batch}_plugin.so
rm -f "$libs"/openvino/libs/libopenvino_{onnx,paddle,pytorch,tensorflow,tensorflow_lite,jax}_frontend.so*
find "$libs" -type d -name tests -prune -exec rm -rf {} +
/opt/fs_sclimbic/bin/pip uninstall --quiet -y pip setuptools
apt-get purge -qq -y --auto-remove python3-venv python3-dev gcc g++ >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/* /root/.cache

/opt/fs_sclimbic/bin/mri_sclimbic_seg --version
