"""What every test needs."""

# First of all: where TensorFlow is in the process already, the SRTP library of the live camera
# crashes the interpreter when it is loaded. The app never loads TensorFlow; the tests of `model`
# do, and share a process with those of the camera.
import streamlit_webrtc  # noqa: F401
